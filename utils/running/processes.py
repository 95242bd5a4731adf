"""The processes of a run: what the first prepares for all, how one that fails ends the others, and copies that know
nothing of each other.
"""

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

GRACE = 5.0  # seconds in which the process that failed says why, before the others end, too

# What launchers tell each process about how many there are. Slurm's SLURM_NTASKS stands in a batch script, too.
WORLD_SIZES = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def once(prepare: Callable, *args, **options):
    """Call a function in the first process only; every process gets what it returns.

    Args:
        prepare: the function; the other processes wait for it, `--ddp_timeout` seconds at most.
        *args, **options: of the function.

    Raises:
        Exception: what `prepare` raises, in the first process; the others end without a word.
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
    """Run the block in the first processes, then in the others; if it fails in a first one, not in the others at all.

    Args:
        first: whether this is a process that the others wait for: that of its machine, where disks are not shared.
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
    """Refuse to be one of several runs of the same command, each of which would train everything.

    Args:
        world_size: processes that this run knows of.
        environment: variables of the process, see `WORLD_SIZES`.
        parent: words of the command that started it; `accelerate launch --cpu` starts one process, whatever number it
            is asked for, and says so nowhere else.

    Raises:
        ValueError: it is, or was meant to be one of several; the message holds commands that work.
    """
    told = {name: environment[name] for name in WORLD_SIZES if environment.get(name, "").isdigit()}
    wrong = {name: int(value) for name, value in told.items() if int(value) > 1 and world_size == 1}
    asked = processes_asked(parent)
    if world_size == 1 and asked > 1 and not wrong:
        wrong = {"accelerate launch": asked}
    for name, count in wrong.items():
        raise ValueError(
            f"{name} says {count} processes, but this one knows of no other: expected one run of {count} processes, "
            f"found copies of it, or one process. Start them with: torchrun --nproc_per_node {count} SCRIPT ..., or "
            f"accelerate launch --multi_gpu --num_processes {count} SCRIPT ... (also on CPUs; --cpu starts one)"
        )


def processes_asked(command: Sequence[str]) -> int:
    """How many processes a command `accelerate launch ...` was asked for; 0 if it is another or does not say."""
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
    """Words of the command that started this process; empty where the system does not tell."""
    try:
        return Path(f"/proc/{os.getppid()}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return []


def meet_others() -> tuple[int, int, int]:
    """Join the processes that a launcher started, to `gather` from them.

    Returns:
        Index of this process, its index on this machine, and how many there are; 0, 0, 1 where none was launched.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return 0, 0, 1
    # No time-out to speak of: they work apart for days, and a launcher ends all of them when one is gone.
    torch.distributed.init_process_group("gloo", timeout=timedelta(days=100))
    index = torch.distributed.get_rank()
    return index, int(os.environ.get("LOCAL_RANK", index)), torch.distributed.get_world_size()


def gather(value) -> list:
    """The value of every process, in their order, when all have come here."""
    if not _several():
        return [value]
    each: list = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(each, value)
    return each


def highest(number: int, *, device: torch.device | str) -> int:
    """The highest number of all processes, when all have come here; it travels on the device that they share."""
    if not _several():
        return number
    votes = torch.tensor(number, device=device)
    torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
    return int(votes)


def _several() -> bool:
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return distributed and torch.distributed.get_world_size() > 1


def _meet(*, well: bool) -> None:
    """Wait for all processes; where one of them comes after a failure, the others end."""
    if not all(gather(well)) and well:
        end_quietly()


def end_quietly() -> None:
    """End this process, and leave it to another one to say why."""
    time.sleep(GRACE)  # a launcher that sees one process end stops all: the one that knows why speaks first
    raise SystemExit(1)
