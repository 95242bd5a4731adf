"""The values that our runs start from, where they differ from `TrainingArguments`; apart, so that `--help` is fast."""

# name: (value, reason)
TRAINING_DEFAULTS = {
    "learning_rate": (5e-5, "peak; small encoders want more (bert-mini-zh: 1e-3)"),
    "num_train_epochs": (5.0, "the small sets of this field are not seen enough in 3"),
    "per_device_train_batch_size": (32, "halved on out-of-memory, effective size kept"),
    "per_device_eval_batch_size": (64, "no gradients, so twice the training batch fits"),
    "warmup_steps": (0.06, "below 1 a share of all steps; fresh heads send wild gradients at first"),
    "weight_decay": (0.01, "as BERT was trained; none on biases and norms"),
    "eval_strategy": ("epoch", "the best epoch is chosen by score"),
    "save_strategy": ("epoch", "must match evaluation so that the best epoch can be loaded"),
    "save_total_limit": (2, "the best and the latest"),
    "load_best_model_at_end": (True, "the last epoch is often not the best"),
    "metric_for_best_model": ("f1", "loss keeps growing while the score still improves"),
    "greater_is_better": (True, "f1 is better when greater"),
    "train_sampling_strategy": ("group_by_length", "batches of like length need little padding"),
    "remove_unused_columns": (False, "our collators pick the columns"),
    "logging_steps": (50, "a line every few seconds"),
    "report_to": ("none", "nothing is sent anywhere unless asked"),
    "precision": ("auto", "fp32 | bf16 | fp16; auto is bf16 where the hardware has it, else fp32"),
}
