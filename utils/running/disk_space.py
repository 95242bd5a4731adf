"""Disks that are full while a run saves."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from ..data.errors import TrainingError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SIGNS = ("no space left", "os error 28", "disk quota", "file too large", "file write failed", "unexpected pos")


@contextlib.contextmanager
def saving(what: str, *, folder: str | Path, advice: str) -> Iterator[None]:
    """If the disk or a quota is full in the block, raise an error that names what could not be saved.

    Args:
        what: what the block saves.
        folder: where it is saved.
        advice: how to continue once there is room.

    Raises:
        TrainingError: the disk is full.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        if getattr(error, "errno", None) not in FULL and not any(sign in str(error).lower() for sign in SIGNS):
            raise
        free = shutil.disk_usage(folder).free / 1e6
        raise TrainingError(
            f"{folder}: expected room for {what}, found a full disk or quota ({free:,.1f} MB are free); "
            f"make room, {advice}"
        ) from error
