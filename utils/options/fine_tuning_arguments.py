"""`TrainingArguments` with defaults for fine-tuning."""

import functools
import logging
import math
import os
import sys
import time
from dataclasses import dataclass, field, fields, make_dataclass

import torch
from transformers import TrainingArguments

from ..running import processes
from .training_defaults import OWN_FIELDS, TRAINING_DEFAULTS

logger = logging.getLogger(__name__)

_INHERITED = {each.name: each for each in fields(TrainingArguments)}
_CHANGED = [
    (name, _INHERITED[name].type, field(default=default, metadata=_INHERITED[name].metadata))
    for name, (default, _) in TRAINING_DEFAULTS.items()
    if name in _INHERITED
]
_OWN = [(name, kind, field(default=default)) for name, (kind, default, *_) in OWN_FIELDS.items()]


@dataclass
class FineTuningArguments(make_dataclass("ChangedArguments", _CHANGED + _OWN, bases=(TrainingArguments,))):
    """Every `TrainingArguments` field; `TRAINING_DEFAULTS` lists the defaults that differ, and why."""

    output_dir: str | None = None
    given = frozenset()  # see `TrainingChoices`

    def __post_init__(self):
        if self.save_strategy == "no" and self.load_best_model_at_end:
            logger.warning("--save_strategy no: epochs are not saved, so the last one is kept, not the best")
            self.load_best_model_at_end = False
        if self.dataloader_persistent_workers and not self.dataloader_num_workers:
            raise ValueError("--dataloader_persistent_workers: expected --dataloader_num_workers of 1 or more")
        self.output_dir = self.output_dir or ""  # `prepare_output_dir` refuses this if the run writes anything
        if self.precision == "fp32" and (self.bf16 or self.fp16):
            raise ValueError("--precision fp32 contradicts --bf16 or --fp16; leave one of them out")
        if self.disable_tqdm is None:
            self.disable_tqdm = not sys.stderr.isatty()  # bars in a log file are noise
        if not torch.accelerator.is_available():
            self.use_cpu = True
        if self.precision == "auto" and not (self.bf16 or self.fp16):
            self.bf16 = has_bf16(cpu=self.use_cpu)
        elif self.precision in ("bf16", "fp16"):
            self.bf16, self.fp16 = self.precision == "bf16", self.precision == "fp16"
        super().__post_init__()
        processes.refuse_copies(self.world_size, environment=os.environ, parent=processes.parent_command())

    def main_process_first(self, local=True, desc="work"):
        """As in `TrainingArguments`, but if the block fails in the first process, the others do not run it."""
        index = self.local_process_index if local else self.process_index
        return processes.in_turn(first=index == 0)


def has_bf16(*, cpu: bool) -> bool:
    """Whether the device multiplies bfloat16 matrices faster than float32; in software it is much slower."""
    if cpu:
        found = torch.cpu.get_capabilities()
        # AMX is always faster; with AVX-512 alone it may be half as fast, or faster.
        return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and bf16_gain() > 1.2))
    return torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)


@functools.cache
def bf16_gain(*, size: int = 512, rounds: int = 7) -> float:
    """How many times as fast the CPU multiplies bfloat16 matrices as float32, best of `rounds`, once for a process.

    The two take turns, so that other programs slow both. 30 ms.
    """
    best = {}
    for dtype in [torch.float32, torch.bfloat16] * (rounds + 1):  # the first of each prepares its kernel
        matrix = torch.ones(size, size, dtype=dtype)
        began = time.perf_counter()
        matrix @ matrix
        taken = time.perf_counter() - began
        best[dtype] = min(best.get(dtype, math.inf), taken)
    return best[torch.float32] / best[torch.bfloat16]
