"""Fields of `TrainingArguments` that our runs cannot honour, each with what to do instead."""

from collections.abc import Mapping, Set
from typing import Any

from ..data.errors import ArgumentError

_WHOLE_SPLIT = "scores are computed on the whole split, after decoding; leave it out"
_OWN_PUSH = "a finished run is pushed once, in one commit; leave it out, or push again with scripts/push.sh"
_REPORTED = "report_to"
REFUSED = {
    "batch_eval_metrics": _WHOLE_SPLIT,
    "eval_do_concat_batches": _WHOLE_SPLIT,
    "include_for_metrics": _WHOLE_SPLIT,
    "prediction_loss_only": "the best epoch is chosen by score; leave it out, or use --metric_for_best_model loss",
    "bf16_full_eval": "weights would be trained further and saved in bf16; --precision covers evaluation too",
    "fp16_full_eval": "weights would be trained further and saved in fp16; --precision covers evaluation too",
    "remove_unused_columns": "our collators pick the columns; leave it out",
    "label_names": "each script knows its labels; leave it out",
    "length_column_name": "lengths are known; leave it out",
    "use_cache": "encoders have no cache; leave it out",
    "auto_find_batch_size": "batches are halved anyway when memory runs out; leave it out",
    "use_liger_kernel": "it has no kernels for these encoders; leave it out",
    "liger_kernel_config": "it has no kernels for these encoders; leave it out",
    "enable_jit_checkpoint": "SIGTERM saves a checkpoint anyway; leave it out",
    "restore_callback_states_from_checkpoint": "early stopping remembers its patience anyway; leave it out",
    "hub_strategy": _OWN_PUSH,
    "hub_always_push": _OWN_PUSH,
    "optim_target_modules": "it is for optimizers that are not offered here; leave it out, or use --adapter lora",
    "parallelism_config": "name a configuration of accelerate instead: accelerate launch --config_file FILE",
}
# Field -> option without which it does nothing.
NEEDS = {
    **dict.fromkeys(("run_name", "project"), _REPORTED),
    **dict.fromkeys(("trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"), _REPORTED),
    **dict.fromkeys(("hub_token", "hub_private_repo", "hub_model_id", "hub_revision"), "push_to_hub"),
    **dict.fromkeys(("dataloader_persistent_workers", "dataloader_prefetch_factor"), "dataloader_num_workers"),
    "dataloader_multiprocessing_context": "dataloader_num_workers",
    "lr_scheduler_kwargs": "lr_scheduler_type",
    "ignore_data_skip": "resume_from_checkpoint",
}


def refuse_fields(values: Mapping[str, Any], given: Set[str], defaults: Mapping[str, Any]) -> None:
    """Refuse a field that was given and cannot be honoured; one that is set to its default is accepted.

    Raises:
        ArgumentError: such a field is given; the message says what to do instead.
    """
    for name in sorted(given & values.keys()):
        if name in REFUSED and values[name] != defaults.get(name):
            raise ArgumentError(f"--{name}: {REFUSED[name]}")
        if name in NEEDS and NEEDS[name] not in given:
            raise ArgumentError(f"--{name} does nothing without --{NEEDS[name]}; leave it out, or give both")
    for name, files in (("do_eval", "--validation_file"), ("do_predict", "--test_file")):
        if name in given and not values[name]:
            raise ArgumentError(f"--{name} false: the files decide what a run does; leave out {files}")
    if values["save_only_model"] and values["resume_from_checkpoint"]:
        raise ArgumentError("--save_only_model: resuming needs checkpoints with the optimizer's state; leave it out")
