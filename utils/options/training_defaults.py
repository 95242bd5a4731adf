"""Training defaults that differ from those of `TrainingArguments`; in a light module, so that `--help` is fast."""

from collections.abc import Mapping

# name: (value, reason)
TRAINING_DEFAULTS = {
    "learning_rate": (5e-5, "peak; small encoders need more (bert-mini-zh: 1e-3)"),
    "num_train_epochs": (5.0, "3 are too few for the small data sets of this field"),
    "per_device_train_batch_size": (32, "halved on out-of-memory, effective size kept"),
    "per_device_eval_batch_size": (64, "no gradients, so twice the training batch fits"),
    "warmup_steps": (0.06, "below 1, a share of all steps; new heads have large gradients at first"),
    "weight_decay": (0.01, "as BERT was trained; none on biases and norms"),
    "eval_strategy": ("epoch", "the best epoch is chosen by score"),
    "save_strategy": ("epoch", "must match evaluation so that the best epoch can be loaded"),
    "save_total_limit": (2, "the best and the latest"),
    "load_best_model_at_end": (True, "the last epoch is often not the best"),
    "metric_for_best_model": ("f1", "loss keeps growing while the score still improves"),
    "train_sampling_strategy": ("group_by_length", "batches of similar length need little padding"),
    "remove_unused_columns": (False, "our collators pick the columns"),
    "logging_steps": (50, "a line every few seconds"),
    "report_to": ("none", "nothing is sent anywhere unless asked"),
    "precision": ("auto", "fp32 | bf16 | fp16; auto is bf16 where it is fast, else fp32"),
}

# In addition to the fields of `TrainingArguments`. name: (type, value, choices, help)
OWN_FIELDS = {
    "precision": (str, "auto", ("auto", "fp32", "bf16", "fp16"), "Number format of the computation."),
    "attention": (
        str,
        "padded",
        ("padded", "unpadded"),
        "`unpadded`: the encoder's layers compute no padding; the states are the same.",
    ),
    "check_options": (
        bool | None,
        None,
        (),
        "Check the options, and whether the files that they name exist, and stop before anything is read or loaded.",
    ),
    "hub_license": (str | None, None, (), "License on the model card, such as apache-2.0."),
    "hub_language": (
        str | None,
        None,
        (),
        "Language on the model card, such as zh; detected from the data if not given.",
    ),
}

# name: its range, see `option_checks.check_ranges`
TRAINING_RANGES = {
    name: limits
    for limits, names in (
        ({"low": 0}, ("learning_rate", "warmup_steps", "weight_decay", "adam_epsilon", "max_grad_norm", "eval_delay")),
        ({"low": 0}, ("neftune_noise_alpha", "seed", "data_seed", "dataloader_num_workers")),
        ({"low": 1}, ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps")),
        ({"low": 1}, ("save_total_limit", "eval_accumulation_steps", "torch_empty_cache_steps", "ddp_timeout")),
        ({"above": 0}, ("num_train_epochs", "logging_steps", "eval_steps", "save_steps")),
        ({"low": 0, "below": 1}, ("adam_beta1", "adam_beta2", "label_smoothing_factor")),
    )
    for name in names
}


def describe_defaults(defaults: Mapping[str, tuple]) -> str:
    """The end of `--help`: a line for each of name -> (value, reason)."""
    lines = ["training options that differ from transformers' TrainingArguments (--help_all shows every one):"]
    return "\n".join(lines + [f"  --{name} {value}: {reason}" for name, (value, reason) in defaults.items()])
