"""The files of predict.py on a Ray cluster (Ray Data, https://docs.ray.io/en/latest/data/data.html)."""

import logging
import time
from argparse import Namespace
from typing import Any

import ray
import ray.data

from ..data.errors import ArgumentError, DataError
from ..running.atomic_files import open_whole
from ..running.cluster_address import join_cluster
from .file_prediction import FilePredictor


class _Worker:
    """An actor with the model; a row is a file."""

    def __init__(self, args: Namespace, outputs: dict[str, str]):
        self.predictor, self.outputs = FilePredictor(args), outputs

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        shard, started, count, error = row["shard"], time.monotonic(), 0, ""
        try:
            with open_whole(self.outputs[shard]) as output:
                count = self.predictor.write_file(shard, output)
        except (DataError, OSError) as found:
            error = str(found)
        return {"shard": shard, "count": count, "seconds": time.monotonic() - started, "error": error}


def predict_files(address: str, shards: list[str], args: Namespace, *, files, tell) -> list[str]:
    """Predict files on a Ray cluster: each of its workers loads the model once and takes the next file.

    Its machines share a disk on which the files, the outputs, the model and this repository have the same paths. The
    file of a worker that is lost is done again by another one.

    Args:
        address: of the head, `host:port`; `auto` for a cluster that this machine is in.
        shards: input files.
        args: the options of predict.py.
        files: `ShardedFiles`, which names the outputs.
        tell: receives a line for people about each finished file.

    Returns:
        What is wrong with each file that was skipped.

    Raises:
        ArgumentError: there is no cluster, or a worker ends again and again.
    """
    resources = join_cluster(address)
    gpus = int(resources.get("GPU", 0))
    workers = max(1, min(len(shards), gpus or int(resources.get("CPU", 1))))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.verbose_stats_logs = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    outputs = {shard: str(files.output_of(shard).absolute()) for shard in shards}
    rows = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards))
    done = rows.map(
        _Worker,
        fn_constructor_args=(args, outputs),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        num_cpus=1,
        num_gpus=1 if gpus else None,
    )
    failures = []
    try:
        for row in done.iter_rows():
            if row["error"]:
                failures.append(row["error"])
            else:
                tell(f"{row['shard']}: {row['count']:,} texts, {row['count'] / row['seconds']:,.0f} per second")
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1]
        raise ArgumentError(f"--ray_address {address}: a worker ended: {last}") from error
    finally:
        ray.shutdown()
    return failures
