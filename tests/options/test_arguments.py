"""Command lines and configuration files: what is read from where, and what a wrong one says."""

import dataclasses
import subprocess
import sys
import timeit
from dataclasses import dataclass

import pytest
import torch

from utils.data.errors import ArgumentError, DataError
from utils.options.arguments import option, parse_arguments, run_script
from utils.options.classifier_arguments import ClassifierArguments
from utils.options.shared_arguments import ModelArguments, TrickArguments, WindowArguments
from utils.options.training_choices import training_options
from utils.options.training_defaults import TRAINING_DEFAULTS
from utils.options.training_fields import read_training_fields

OURS = (WindowArguments, ClassifierArguments, ModelArguments, TrickArguments)


@dataclass
class PlainArguments:
    """A field of each kind, for the parser alone."""

    _argument_group_name = "plain"

    answer: str = option("auto", "A choice.", choices=["auto", "yes", "no"])
    names: list[str] | None = option(None, "A list.")
    rate: float = option(0.5, "A float.")
    count: int = option(7, "An int.")
    flag: bool = option(False, "A switch.")


@pytest.fixture
def parse(tmp_path):
    """Parse a configuration text (or none) with words behind it; gives one namespace of all fields."""

    def run(config=None, *words, suffix=".yaml"):
        argv = list(words)
        if config is not None:
            (tmp_path / f"config{suffix}").write_text(config, encoding="utf-8")
            argv.insert(0, str(tmp_path / f"config{suffix}"))
        argv += ["--model_name_or_path", "tiny", "--output_dir", str(tmp_path / "out")]
        *ours, training = parse_arguments(PlainArguments, *OURS, argv=argv)
        built = training.build()
        return {each.name: getattr(one, each.name) for one in (*ours, built) for each in dataclasses.fields(one)}

    return run


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_yaml_file_sets_values(parse):
    values = parse("learning_rate: 0.002\nmax_length: 64\nlayers: weighted\n")
    assert (values["learning_rate"], values["max_length"], values["layers"]) == (0.002, 64, "weighted")


def test_json_file_sets_values(parse):
    values = parse('{"learning_rate": 0.002, "max_length": 64, "skip_bad_lines": true}', suffix=".json")
    assert (values["learning_rate"], values["max_length"], values["skip_bad_lines"]) == (0.002, 64, True)


def test_command_line_wins_over_the_file(parse):
    values = parse("max_length: 64\nstride: 16\n", "--max_length", "32")
    assert (values["max_length"], values["stride"]) == (32, 16)


def test_values_of_neither_file_nor_command_line_are_the_defaults(parse):
    values = parse("max_length: 64\n")
    assert (values["validation_share"], values["rate"], values["num_train_epochs"]) == (0.1, 0.5, 5.0)


@pytest.mark.parametrize("written, read", [("1e-3", 1e-3), ("1.0e-3", 1e-3), ("2", 2.0), (".5", 0.5), ("-3.5", -3.5)])
def test_floats_are_read_from_yaml_however_they_are_written(parse, written, read):
    assert parse(f"rate: {written}\n")["rate"] == read


@pytest.mark.parametrize("written, read", [("true", True), ("false", False), ("True", True), ("'false'", False)])
def test_booleans_are_read_from_yaml(parse, written, read):
    assert parse(f"flag: {written}\n")["flag"] is read
    assert parse(f"load_best_model_at_end: {written}\n")["load_best_model_at_end"] is read


def test_lists_are_read_from_yaml_in_both_notations(parse):
    assert parse("names: [a, b]\n")["names"] == ["a", "b"]
    assert parse("names:\n- a\n- 北京\n")["names"] == ["a", "北京"]


def test_mapping_in_yaml_reaches_an_option_that_takes_json(parse):
    config = "lr_scheduler_type: cosine_with_min_lr\nlr_scheduler_kwargs: {min_lr: 0.0001}\n"
    assert parse(config)["lr_scheduler_kwargs"] == {"min_lr": 0.0001}


def test_null_leaves_an_option_without_value_at_none(parse):
    assert parse("max_train_samples: null\ntest_file:\n")["max_train_samples"] is None


def test_null_takes_a_default_away_or_is_refused(parse):
    try:
        values = parse("save_total_limit: null\n")
    except ArgumentError as error:
        assert "save_total_limit" in str(error)
    else:
        assert values["save_total_limit"] is None


@pytest.mark.parametrize("name", ["precision", "learning_rate", "max_length"])
def test_null_is_refused_where_a_value_is_needed(parse, name):
    with pytest.raises(ArgumentError, match=f"expected a value for {name}, found null; leave the key out"):
        parse(f"{name}: null\n")


@pytest.mark.parametrize("written", ["yes", "no"])
def test_yaml_words_yes_and_no_are_texts_where_the_option_takes_texts(parse, written):
    assert parse(f"answer: {written}\n")["answer"] == written


def test_yaml_can_switch_evaluation_off(parse):
    values = parse("eval_strategy: no\nsave_strategy: no\nload_best_model_at_end: false\n")
    assert (values["eval_strategy"], values["save_strategy"]) == ("no", "no")


def test_without_checkpoints_the_last_epoch_is_kept_and_that_is_said(parse, caplog):
    values = parse("save_strategy: no\n")
    assert (values["load_best_model_at_end"], values["eval_strategy"]) == (False, "epoch")
    assert "the last one is kept, not the best" in caplog.text
    assert parse("seed: 1\n")["load_best_model_at_end"] is True


def test_text_that_begins_with_a_dash_is_read_from_yaml(parse):
    assert parse("dataset_name: -draft\n")["dataset_name"] == "-draft"


def test_byte_order_mark_of_a_configuration_file_is_no_part_of_its_first_key(parse):
    assert parse("\ufeffmax_length: 64\n")["max_length"] == 64


def test_unknown_key_names_the_file_and_the_nearest_option(parse):
    with pytest.raises(ArgumentError, match=r"config\.yaml: unknown option --max_lenght; did you mean --max_length\?"):
        parse("max_lenght: 64\n")


@pytest.mark.parametrize("flag", ["--learning_rat", "--learnin-rate"])
def test_unknown_flag_names_the_nearest_option(parse, flag):
    with pytest.raises(ArgumentError, match=f"unknown option {flag}; did you mean --learning_rate"):
        parse(None, flag, "1e-3")


def test_flag_with_its_value_attached_names_the_nearest_option(parse):
    with pytest.raises(ArgumentError, match=r"did you mean --learning_rate\?"):
        parse(None, "--learning_rat=1e-3")


def test_value_of_an_unknown_flag_is_no_second_complaint(parse):
    with pytest.raises(ArgumentError) as caught:
        parse(None, "--learning_rat", "1e-3")
    assert "unexpected value" not in str(caught.value)


def test_unknown_flag_that_resembles_none_points_to_help(parse):
    with pytest.raises(ArgumentError, match="unknown option --qqqqqqq; --help lists the options"):
        parse(None, "--qqqqqqq")


def test_abbreviated_flag_is_an_error(parse):
    with pytest.raises(ArgumentError, match="--max_train_sample"):
        parse(None, "--max_train_sample", "3")


def test_configuration_file_behind_flags_is_an_error_that_says_so(parse):
    with pytest.raises(ArgumentError, match=r"'late\.yaml'.*a configuration file comes first"):
        parse(None, "--max_length", "64", "late.yaml")


def test_missing_configuration_file_is_an_error_with_its_name():
    with pytest.raises(ArgumentError, match=r"nowhere\.yaml: expected a YAML or JSON file"):
        parse_arguments(*OURS, argv=["nowhere.yaml"])


@pytest.mark.parametrize("suffix, text", [(".json", '{"seed": 3'), (".yaml", "seed: [3")])
def test_damaged_configuration_file_is_an_error_with_its_name(parse, suffix, text):
    with pytest.raises(ArgumentError, match=rf"config\{suffix}: expected a YAML or JSON file of flags, found:"):
        parse(text, suffix=suffix)


@pytest.mark.parametrize("text, found", [("- a\n", "list"), ("", "NoneType"), ("words\n", "str")])
def test_configuration_file_that_is_no_mapping_is_an_error(parse, text, found):
    with pytest.raises(ArgumentError, match=f"expected a mapping .*found {found}"):
        parse(text)


@pytest.mark.parametrize("words", [("--learning_rate", "fast"), ("--layers", "all"), ("--flag", "perhaps")])
def test_malformed_value_is_an_error_that_names_the_flag(parse, words, capsys):
    with pytest.raises((SystemExit, ArgumentError)) as caught:
        parse(None, *words)
    assert words[0] in capsys.readouterr().err + str(caught.value)
    assert not isinstance(caught.value, SystemExit) or caught.value.code == 2


def test_malformed_value_is_explained_without_a_page_of_usage(parse, capsys):
    with pytest.raises((SystemExit, ArgumentError)):
        parse(None, "--learning_rate", "fast")
    assert len(capsys.readouterr().err.splitlines()) <= 3


@pytest.mark.parametrize("words", [("--eval_strategy", "sometimes"), ("--eval_strategy", "no"), ("--optim", "best")])
def test_value_that_training_arguments_refuse_is_no_traceback(parse, words, capsys):
    with pytest.raises((SystemExit, ArgumentError)):
        parse(None, *words)


def test_missing_model_is_an_error_that_names_the_flag(capsys):
    with pytest.raises((SystemExit, ArgumentError)) as caught:
        parse_arguments(*OURS, argv=["--output_dir", "out"])
    assert "--model_name_or_path" in capsys.readouterr().err + str(caught.value)


def test_every_changed_default_is_a_field_with_that_default_and_help_says_why():
    from utils.options.fine_tuning_arguments import FineTuningArguments

    made = {field.name: field for field in dataclasses.fields(FineTuningArguments)}
    shown = {field.name: field for field in dataclasses.fields(training_options(TRAINING_DEFAULTS))}
    assert len(TRAINING_DEFAULTS) > 10
    for name, (value, reason) in TRAINING_DEFAULTS.items():
        assert made[name].default == shown[name].default == value
        assert reason.replace("%", "%%") in shown[name].metadata["help"]


def test_fields_that_are_read_from_the_source_are_those_of_the_class():
    """With their defaults: an update of transformers that writes them in another way is seen here."""
    from transformers import TrainingArguments

    made = {field.name: field for field in dataclasses.fields(TrainingArguments)}
    read = read_training_fields()
    assert list(read) == list(made)
    for name, one in read.items():
        if one.default is not None:
            assert made[name].default == one.default, name
    choosy = {name for name, one in read.items() if one.choices}
    assert choosy == {
        *("lr_scheduler_type", "optim", "logging_strategy", "eval_strategy", "save_strategy", "hub_strategy")
    }


def test_no_default_changes_without_its_reason():
    from transformers import TrainingArguments

    from utils.options.fine_tuning_arguments import FineTuningArguments

    inherited = {field.name: field.default for field in dataclasses.fields(TrainingArguments)}
    changed = {
        field.name
        for field in dataclasses.fields(FineTuningArguments)
        if field.name not in inherited or field.default != inherited[field.name]
    }
    assert len(changed) > 10
    ours = {"attention", "check_options", "hub_license", "hub_language"}
    assert changed - set(TRAINING_DEFAULTS) == ours


@pytest.mark.parametrize(
    "precision, expected", [("fp32", (False, False)), ("bf16", (True, False)), ("fp16", (False, True))]
)
def test_precision_sets_the_flags_of_mixed_precision(parse, precision, expected):
    values = parse(None, "--precision", precision)
    assert (values["bf16"], values["fp16"]) == expected


@pytest.mark.parametrize("capable", [True, False])
def test_automatic_precision_goes_by_the_hardware(parse, monkeypatch, capable):
    from utils.options import fine_tuning_arguments

    monkeypatch.setattr(fine_tuning_arguments, "has_bf16", lambda *, cpu: capable)
    assert parse(None)["bf16"] is capable


@pytest.mark.parametrize(
    "capabilities, gain, expected",
    [
        ({"amx_bf16": True, "avx512_bf16": True}, 0.5, True),
        ({"avx512_bf16": True}, 1.9, True),
        ({"avx512_bf16": True}, 0.5, False),
        ({"avx512_f": True}, 1.9, False),
    ],
)
def test_avx512_alone_is_tried_before_bf16_is_chosen(monkeypatch, capabilities, gain, expected):
    from utils.options import fine_tuning_arguments

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(fine_tuning_arguments, "bf16_gain", lambda: gain)
    assert fine_tuning_arguments.has_bf16(cpu=True) is expected


def test_gain_of_bf16_is_that_of_large_products():
    from utils.options.fine_tuning_arguments import bf16_gain

    def fastest(dtypes, rounds=15):
        """Seconds of a product of each; in turn, so that what disturbs the machine for a while disturbs both."""
        factors = {dtype: torch.ones(1024, 1024, dtype=dtype) for dtype in dtypes}
        turns = [[timeit.timeit(lambda x=x: x @ x, number=1) for x in factors.values()] for _ in range(rounds)]
        return map(min, zip(*turns, strict=True))

    bf16_gain.cache_clear()
    single, half = fastest([torch.float32, torch.bfloat16])
    assert single / half / 3 < bf16_gain() < single / half * 3


def test_bf16_asked_for_under_transformers_own_name_is_kept(parse):
    assert parse(None, "--bf16", "true")["bf16"] is True
    assert parse(None, "--fp16", "true")["bf16"] is False


def test_full_precision_and_bf16_together_are_an_error_or_full_precision(parse):
    try:
        values = parse(None, "--precision", "fp32", "--bf16", "true")
    except ArgumentError as error:
        assert "--precision" in str(error)
    else:
        assert values["bf16"] is False


def test_unknown_precision_is_an_error_that_lists_the_known_ones(parse):
    with pytest.raises(ArgumentError, match=r"argument --precision: invalid choice: 'fp8'.*'bf16', 'fp16'"):
        parse(None, "--precision", "fp8")


def test_help_shows_our_groups_and_no_field_of_training_arguments_before_them():
    shown = run_python("import run_ner; run_ner.main(['--help'])")
    assert shown.returncode == 0, shown.stderr
    headings = ["named-entity recognition:", "data:", "model:", "tricks:", "training options that differ"]
    places = [shown.stdout.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "--head {softmax,crf,span}" in shown.stdout
    assert "--gradient_accumulation_steps" not in shown.stdout
    for name in TRAINING_DEFAULTS:
        assert f"--{name} " in shown.stdout[places[-1] :]


def test_full_help_shows_our_groups_before_training_arguments(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_arguments(*OURS, argv=["--help_all"])
    shown = capsys.readouterr().out
    options = shown[shown.index("show this help message") :]
    assert stop.value.code == 0
    assert options.index("--train_file") < options.index("--gradient_accumulation_steps")


@pytest.mark.parametrize("error", [ArgumentError("--x: bad"), DataError("a.txt:3: bad"), FileNotFoundError("no file")])
def test_error_that_the_user_can_repair_is_one_line_and_status_2(error, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as stop:
        run_script(main)
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", f"error: {error}\n")


def test_error_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_script(lambda: 1 / 0)


def test_interrupted_script_stops_without_a_traceback(capsys):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        run_script(main)
    assert stop.value.code == 130 and capsys.readouterr().err == "stopped\n"


def test_script_ends_with_one_line_and_status_2_on_an_unknown_flag():
    command = [sys.executable, "run_ner.py", "--model_name_or_path", "tiny", "--output_dir", "out", "--hed", "crf"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "did you mean --head?" in ended.stderr
