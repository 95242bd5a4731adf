"""Suggestions for unknown options: the nearest known name, and names that other scripts have for the same thing."""

import difflib
from collections.abc import Set

# Name in other scripts of this field -> our name; `_REMARKS` where the value has another meaning.
_ALIASES = {
    **dict.fromkeys(("dev_file", "eval_file", "valid_file", "dev_data_file", "validation_data"), "validation_file"),
    **dict.fromkeys(("train_data_file", "train_data", "data_file", "train_path"), "train_file"),
    **dict.fromkeys(("predict_file", "test_data", "test_path"), "test_file"),
    **dict.fromkeys(("lr", "learning_rates", "bert_lr", "encoder_learning_rate"), "learning_rate"),
    **dict.fromkeys(("crf_lr", "transitions_learning_rate"), "crf_learning_rate"),
    **dict.fromkeys(("head_lr", "classifier_learning_rate", "linear_learning_rate", "clf_lr"), "head_learning_rate"),
    **dict.fromkeys(
        ("batch_size", "train_batch_size", "per_gpu_train_batch_size", "bs"), "per_device_train_batch_size"
    ),
    **dict.fromkeys(("eval_batch_size", "per_gpu_eval_batch_size", "dev_batch_size"), "per_device_eval_batch_size"),
    **dict.fromkeys(("epochs", "num_epochs", "epoch", "num_train_epoch", "n_epochs"), "num_train_epochs"),
    **dict.fromkeys(("max_seq_length", "max_seq_len", "max_len", "train_max_seq_length", "block_size"), "max_length"),
    **dict.fromkeys(("doc_stride", "overlap"), "stride"),
    **dict.fromkeys(
        ("model", "bert_model", "pretrained_model", "model_path", "model_name", "bert_path"), "model_name_or_path"
    ),
    **dict.fromkeys(("output", "out_dir", "save_dir", "output_path"), "output_dir"),
    **dict.fromkeys(("warmup_ratio", "warmup_proportion", "warmup"), "warmup_steps"),
    **dict.fromkeys(("evaluation_strategy",), "eval_strategy"),
    **dict.fromkeys(("no_cuda", "cpu"), "use_cpu"),
    **dict.fromkeys(("label_smoothing",), "label_smoothing_factor"),
    **dict.fromkeys(("patience", "early_stopping", "early_stop"), "early_stopping_patience"),
    **dict.fromkeys(("do_adv", "fgm", "adv_epsilon", "adversarial"), "fgm_epsilon"),
    **dict.fromkeys(("rdrop", "r_drop", "rdrop_alpha"), "r_drop_alpha"),
    **dict.fromkeys(("ema", "use_ema"), "ema_decay"),
    **dict.fromkeys(("llrd", "layerwise_decay", "layer_wise_lr_decay"), "layer_decay"),
    **dict.fromkeys(("loss_type", "loss_function"), "loss"),
    **dict.fromkeys(("use_crf", "crf", "task_head"), "head"),
    **dict.fromkeys(("markup", "tag_scheme", "tagging_scheme"), "scheme"),
    **dict.fromkeys(("lora_r", "rank"), "lora_rank"),
    **dict.fromkeys(("text_a", "sentence1_column", "text_column_name", "text_col"), "text_column"),
    **dict.fromkeys(("text_b", "sentence2_column", "text_b_column"), "text_pair_column"),
    **dict.fromkeys(("label_column_name", "label_col", "target_column"), "label_column"),
    **dict.fromkeys(("delimiter", "sep"), "separator"),
    **dict.fromkeys(("overwrite", "overwrite_output"), "overwrite_output_dir"),
    **dict.fromkeys(("resume", "resume_from"), "resume_from_checkpoint"),
    **dict.fromkeys(("mixed_precision", "dtype"), "precision"),
    **dict.fromkeys(("verbaliser", "label_words"), "verbalizer"),
    **dict.fromkeys(("shots", "k_shot", "num_shots"), "few_shot"),
    **dict.fromkeys(("group_by_length",), "train_sampling_strategy"),
}
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
