"""The processes of a run: work that the first does for all, failures that end all, and copies started by mistake."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed
import yaml

GRACE = 5.0  # seconds for the process that failed to report why, before the others end too

# Variables in which launchers give each process the number of processes. Not SLURM_NTASKS: batch scripts have it too.
WORLD_SIZES = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def once(prepare: Callable, *args, **options):
    """Call a function in the first process only; every process gets what it returns.

    Args:
        prepare: the function; the other processes wait for it, for at most `--ddp_timeout` seconds.
        *args, **options: arguments of the function.

    Raises:
        Exception: what `prepare` raises, in the first process; the others end silently.
    """
    if not _several():
        return prepare(*args, **options)
    first, outcome = torch.distributed.get_rank() == 0, [None, None]
    if first:
        try:
            outcome = [True, prepare(*args, **options)]
        except BaseException:
            torch.distributed.broadcast_object_list([False, None])
            raise
    torch.distributed.broadcast_object_list(outcome)
    if not outcome[0]:
        end_quietly()
    return outcome[1]


@contextlib.contextmanager
def in_turn(*, first: bool) -> Iterator[None]:
    """Run the block in the first processes, then in the others, unless it has failed in a first one.

    The others wait for the `first`, which is one of each machine if disks are not shared.
    """
    if not _several():
        yield
        return
    if not first:
        _meet(well=True)
    try:
        yield
    except BaseException:
        if first:
            _meet(well=False)
        raise
    if first:
        _meet(well=True)


def refuse_copies(world_size: int, *, environment: Mapping[str, str], parent: Sequence[str]) -> None:
    """Refuse to be one of several independent copies of a run, each of which would train everything.

    Args:
        world_size: number of processes that this run knows of.
        environment: environment variables, see `WORLD_SIZES`.
        parent: words of the command that started this process; `accelerate launch --cpu` starts one process, whatever
            number it is asked for, and this is the only sign of it.

    Raises:
        ValueError: it is a copy, or was meant to be one of several processes; the message holds commands that work.
    """
    told = {name: environment[name] for name in WORLD_SIZES if environment.get(name, "").isdigit()}
    wrong = {name: int(value) for name, value in told.items() if int(value) > 1 and world_size == 1}
    asked = processes_asked(parent)
    if world_size == 1 and asked > 1 and not wrong:
        wrong = {"accelerate launch": asked}
    for name, count in wrong.items():
        raise ValueError(
            f"{name} asks for {count} processes, but this one knows of no other: expected one run of {count} "
            f"processes, found separate copies, or one process. Start them with: torchrun --nproc_per_node {count} "
            f"SCRIPT ..., or accelerate launch --multi_gpu --num_processes {count} SCRIPT ... (also on CPUs; --cpu "
            "starts one)"
        )


def processes_asked(command: Sequence[str]) -> int:
    """How many processes an `accelerate launch` command asks for; 0 if it is another command, or gives no number."""
    found = re.search(r"accelerate(?:\0|-|[./]commands[./])launch(?:\.py)?\0(.*)", "\0".join(command), re.DOTALL)
    if found is None:
        return 0
    options = found[1].split("\0")
    values = {}
    for word, following in zip(options, [*options[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in ("--num_processes", "--num-processes", "--config_file", "--config-file"):
            values.setdefault(name.replace("-", "_"), value if equals else following)
    if "__num_processes" not in values and "__config_file" in values:
        with contextlib.suppress(OSError, yaml.YAMLError, AttributeError):
            config = yaml.safe_load(Path(values["__config_file"]).read_text(encoding="utf-8"))
            values["__num_processes"] = str(config.get("num_processes", 0))
    count = values.get("__num_processes", "0")
    return int(count) if count.isdigit() else 0


def parent_command() -> list[str]:
    """Words of the command that started this process; empty if the system does not provide them."""
    try:
        return Path(f"/proc/{os.getppid()}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return []


def meet_others() -> tuple[int, int, int]:
    """Join the processes that a launcher started, to `gather` from them.

    Returns:
        Index of this process, its index on this machine, and the number of processes; 0, 0, 1 without a launcher.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return 0, 0, 1
    # Practically no timeout: they may work separately for days, and a launcher ends all of them when one is gone.
    torch.distributed.init_process_group("gloo", timeout=timedelta(days=100))
    index = torch.distributed.get_rank()
    return index, int(os.environ.get("LOCAL_RANK", index)), torch.distributed.get_world_size()


def gather(value) -> list:
    """The value of every process, in their order; waits until all have called it."""
    if not _several():
        return [value]
    each: list = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(each, value)
    return each


def highest(number: int, *, device: torch.device | str) -> int:
    """The highest number of all processes; waits until all have called it.

    `device` is where the process group exchanges tensors.
    """
    if not _several():
        return number
    votes = torch.tensor(number, device=device)
    torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
    return int(votes)


def _several() -> bool:
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return distributed and torch.distributed.get_world_size() > 1


def _meet(*, well: bool) -> None:
    """Wait for all processes; if one of them has failed, the others end."""
    if not all(gather(well)) and well:
        end_quietly()


def end_quietly() -> None:
    """End this process, and leave it to another one to report why."""
    time.sleep(GRACE)  # a launcher that sees one process end stops all: the one that knows why must report first
    raise SystemExit(1)
