"""Every field of `TrainingArguments` works, or is refused at once with what to type instead."""

import dataclasses
import json

import pytest
from transformers import TrainingArguments

import run_classification
from utils.data.errors import ArgumentError
from utils.options.arguments import parse_arguments
from utils.options.refused_fields import NEEDS, REFUSED
from utils.options.training_defaults import TRAINING_DEFAULTS

# Field -> words that ask for it, in runs of their own where they contradict each other.
RUNS = [
    {
        **{"adam_beta1": "0.8", "adam_beta2": "0.99", "adam_epsilon": "1e-6", "max_grad_norm": "1", "optim": "sgd"},
        **{
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": '{"min_lr": 1e-5}',
            "optim": "adamw_torch",
        },
        **{"gradient_accumulation_steps": "2", "label_smoothing_factor": "0.1", "neftune_noise_alpha": "5"},
        **{"activation_checkpointing": "true", "activation_checkpointing_kwargs": '{"use_reentrant": false}'},
        **{"average_tokens_across_devices": "false", "logging_first_step": "true", "logging_strategy": "steps"},
        **{
            "logging_steps": "1",
            "include_num_input_tokens_seen": "true",
            "log_level": "error",
            "eval_on_start": "true",
        },
        **{"dataloader_drop_last": "true", "dataloader_pin_memory": "false", "seed": "3", "data_seed": "5"},
        **{"log_level": "error"},
        **{"torch_empty_cache_steps": "1", "skip_memory_metrics": "true", "disable_tqdm": "true", "max_steps": "3"},
        **{"per_device_train_batch_size": "5", "per_device_eval_batch_size": "7", "warmup_steps": "1"},
        **{"eval_strategy": "steps", "eval_steps": "1", "save_strategy": "steps", "save_steps": "1"},
        **{"save_total_limit": "1", "metric_for_best_model": "loss", "greater_is_better": "false", "use_cpu": "true"},
        **{"eval_accumulation_steps": "1", "log_on_each_node": "false", "log_level_replica": "error"},
        **{"save_on_each_node": "false", "logging_nan_inf_filter": "false", "do_train": "true", "do_eval": "true"},
    },
    {
        **{"optim": "adafactor", "optim_args": "scale_parameter=False", "full_determinism": "true", "bf16": "true"},
        **{"train_sampling_strategy": "sequential", "load_best_model_at_end": "false", "save_only_model": "true"},
        **{"dataloader_num_workers": "1", "dataloader_prefetch_factor": "2", "dataloader_persistent_workers": "true"},
        **{"dataloader_in_order": "false", "dataloader_multiprocessing_context": "fork", "eval_delay": "1"},
        **{"gradient_checkpointing": "true", "gradient_checkpointing_kwargs": '{"use_reentrant": false}'},
        **{"num_train_epochs": "1", "learning_rate": "1e-3", "weight_decay": "0.1", "report_to": "none"},
        **{"debug": "underflow_overflow", "eval_use_gather_object": "true", "do_predict": "true"},
    },
]
# What needs hardware, several processes, a repository or a package: tested where that is (tests/processes, tests/hub).
ELSEWHERE = {
    *("output_dir", "resume_from_checkpoint", "push_to_hub", "fp16", "tf32", "deepspeed", "fsdp", "fsdp_config"),
    *("ddp_find_unused_parameters", "ddp_bucket_cap_mb", "ddp_broadcast_buffers", "ddp_static_graph", "ddp_backend"),
    *("ddp_timeout", "local_rank", "accelerator_config"),
    *("torch_compile", "torch_compile_backend", "torch_compile_mode"),
}


@pytest.fixture
def run(tiny_encoder, tmp_path):
    def call(flags, count=17):
        rows = [
            {"text": f"{'张王李赵陈'[i % 5]}伟在{'北上'[i % 2]}京开会。", "label": str(i % 2)} for i in range(count)
        ]
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        files = {f"{split}_file": str(file) for split in ("train", "validation", "test")}
        values = files | {"model_name_or_path": tiny_encoder, "output_dir": str(tmp_path / "out")} | flags
        results = run_classification.main([word for name, value in values.items() for word in (f"--{name}", value)])
        return results, tmp_path / "out"

    return call


def test_every_field_is_in_one_of_the_tables():
    fields = {each.name for each in dataclasses.fields(TrainingArguments)}
    known = set().union(*RUNS, REFUSED, NEEDS, ELSEWHERE, TRAINING_DEFAULTS)
    assert len(fields) > 100 and fields - known == set()
    assert not REFUSED.keys() & set().union(*RUNS, NEEDS, ELSEWHERE)


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_fields_work_and_every_row_is_scored_and_predicted(run, number):
    results, folder = run(RUNS[number])
    lines = (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 17 and 0 <= results["eval_f1"] <= 1 and 0 <= results["test_accuracy"] <= 1
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    said = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    assert record["arguments"]["load_best_model_at_end"] is (number == 0)
    if number == 0:  # the lowest loss was kept, whichever step that was
        losses = {entry["step"]: entry["eval_loss"] for entry in said["log_history"] if "eval_loss" in entry}
        assert said["best_metric"] == min(loss for step, loss in losses.items() if step)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_field_that_cannot_be_honoured_is_refused_with_what_to_type(name):
    value = {
        **{"include_for_metrics": ["loss"], "label_names": ["labels"], "length_column_name": ["size"]},
        **{"hub_strategy": ["end"], "optim_target_modules": ["all"], "liger_kernel_config": ['{"rope": true}']},
        **{"parallelism_config": ["x"], "eval_do_concat_batches": ["false"]},
    }.get(name, ["true"])
    with pytest.raises(ArgumentError, match=f"--{name}.*"):
        parse_arguments(argv=["--output_dir", "out", f"--{name}", *value])


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_field_that_does_nothing_alone_is_refused(name):
    value = {"trackio_static_space_id": "x", "dataloader_prefetch_factor": "2", "hub_private_repo": "true"}
    value |= {"lr_scheduler_kwargs": '{"min_lr": 1}', "ignore_data_skip": "true"}
    with pytest.raises(ArgumentError, match=f"--{name}.*|--dataloader_num_workers|prefetch"):
        parse_arguments(argv=["--output_dir", "out", f"--{name}", value.get(name, "true")])


@pytest.mark.parametrize(
    "words, said",
    [
        ({"optim": "adamw_bnb_8bit"}, "--optim adamw_bnb_8bit: .*bitsandbytes"),
        ({"optim": "galore_adamw"}, "--optim galore_adamw"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "--lr_scheduler_type cosine_with_min_lr.*--lr_scheduler_kwargs"),
        (
            {"early_stopping_patience": "1", "eval_strategy": "no", "load_best_model_at_end": "false"},
            "evaluations",
        ),
        ({"metric_for_best_model": "bleu"}, "--metric_for_best_model bleu: expected one of loss, f1, accuracy"),
        ({"save_only_model": "true", "resume_from_checkpoint": "last"}, "--save_only_model: resuming needs"),
        ({"do_train": "false"}, "--do_train: expected true, as there is data to train on"),
        ({"do_predict": "false"}, "--do_predict false: .*leave out --test_file"),
        ({"report_to": "abacus"}, "--report_to abacus: expected none, all or some of tensorboard"),
    ],
)
def test_choice_that_cannot_be_had_is_one_line(run, words, said):
    with pytest.raises(ArgumentError, match=said):
        run(words)


@pytest.mark.parametrize("name, package", [("wandb", "wandb"), ("comet_ml", "comet-ml"), ("swanlab", "swanlab")])
def test_tracker_without_its_package_is_one_line_with_the_command(name, package, monkeypatch):
    monkeypatch.setattr("utils.running.trackers.find_spec", lambda module: None)
    with pytest.raises(ArgumentError, match=f"--report_to {name}: .*pip install {package}"):
        parse_arguments(argv=["--output_dir", "out", "--report_to", name])
