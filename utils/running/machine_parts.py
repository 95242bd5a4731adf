"""Which part of the machine each of several runs gets: GPUs if there are any, and cores."""

import os
from collections.abc import Mapping


def share_environments(jobs: int, environment: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """The environment variables of runs side by side, in addition to those of this process.

    GPUs are those of `CUDA_VISIBLE_DEVICES`, or all; if there are fewer than runs, several runs share one. A single
    run gets the whole machine. Variables that limit threads are left as they are if the user has set them.

    Args:
        jobs: number of runs.
        environment: of this process, that of the moment if None.
    """
    if jobs == 1:
        return [{}]
    environment = os.environ if environment is None else environment
    gpus = _list_gpus(environment)
    threads = {"OMP_NUM_THREADS": str(max(1, _count_cores() // jobs)), "OMP_WAIT_POLICY": "PASSIVE"}
    threads = {name: value for name, value in threads.items() if name not in environment}
    shares = []
    for job in range(jobs):
        own = gpus[job::jobs] if len(gpus) >= jobs else [gpus[job % len(gpus)]] if gpus else []
        shares.append(threads | ({"CUDA_VISIBLE_DEVICES": ",".join(own)} if own else {}))
    return shares


def _list_gpus(environment: Mapping[str, str]) -> list[str]:
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    import torch  # takes a second

    return [str(index) for index in range(torch.cuda.device_count())]


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
