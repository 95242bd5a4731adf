"""Suggestions for unknown options: the nearest known name, and names that other scripts have for the same thing."""

import difflib
from collections.abc import Set

# Our name -> names of the same thing in other scripts; `_REMARKS` where the value has another meaning.
_OTHER_NAMES = {
    "validation_file": "dev_file eval_file valid_file dev_data_file validation_data",
    "train_file": "train_data_file train_data data_file train_path",
    "test_file": "predict_file test_data test_path",
    "learning_rate": "lr learning_rates bert_lr encoder_learning_rate",
    "crf_learning_rate": "crf_lr transitions_learning_rate",
    "head_learning_rate": "head_lr classifier_learning_rate linear_learning_rate clf_lr",
    "per_device_train_batch_size": "batch_size train_batch_size per_gpu_train_batch_size bs",
    "per_device_eval_batch_size": "eval_batch_size per_gpu_eval_batch_size dev_batch_size",
    "num_train_epochs": "epochs num_epochs epoch num_train_epoch n_epochs",
    "max_length": "max_seq_length max_seq_len max_len train_max_seq_length block_size",
    "stride": "doc_stride overlap",
    "model_name_or_path": "model bert_model pretrained_model model_path model_name bert_path",
    "output_dir": "output out_dir save_dir output_path",
    "warmup_steps": "warmup_ratio warmup_proportion warmup",
    "eval_strategy": "evaluation_strategy",
    "use_cpu": "no_cuda cpu",
    "label_smoothing_factor": "label_smoothing",
    "early_stopping_patience": "patience early_stopping early_stop",
    "fgm_epsilon": "do_adv fgm adv_epsilon adversarial",
    "r_drop_alpha": "rdrop r_drop rdrop_alpha",
    "ema_decay": "ema use_ema",
    "layer_decay": "llrd layerwise_decay layer_wise_lr_decay",
    "loss": "loss_type loss_function",
    "head": "use_crf crf task_head",
    "scheme": "markup tag_scheme tagging_scheme",
    "lora_rank": "lora_r rank",
    "text_column": "text_a sentence1_column text_column_name text_col",
    "text_pair_column": "text_b sentence2_column text_b_column",
    "label_column": "label_column_name label_col target_column",
    "separator": "delimiter sep",
    "overwrite_output_dir": "overwrite overwrite_output",
    "resume_from_checkpoint": "resume resume_from",
    "precision": "mixed_precision dtype",
    "verbalizer": "verbaliser label_words",
    "few_shot": "shots k_shot num_shots",
    "train_sampling_strategy": "group_by_length",
}
_ALIASES = {other: name for name, others in _OTHER_NAMES.items() for other in others.split()}
_REMARKS = {"warmup_ratio": " (below 1 it is a share of all steps)", "group_by_length": " group_by_length"}


def explain_unknown(word: str, known: Set[str]) -> str:
    """The error message for a word of the command line that is not a known option.

    Example:
        >>> explain_unknown("--lr", {"learning_rate", "layers"})
        'unknown option --lr; did you mean --learning_rate?'
    """
    if not word.startswith("-"):
        return f"unexpected value {word!r}: a flag takes one value, and a configuration file comes first"
    name = word.partition("=")[0].lstrip("-").replace("-", "_")
    meant = _ALIASES.get(name.lower())
    if meant not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        meant = near[0] if near else None
    if meant is None:
        return f"unknown option {word}; --help lists the options"
    return f"unknown option {word}; did you mean --{meant}{_REMARKS.get(name, '')}?"
