"""Configurations of trials and of last runs, made of the user's base."""

import pytest

from utils.data.errors import ArgumentError
from utils.options.arguments import read_config
from utils.running.atomic_files import write_config
from utils.search import run_configs


def test_options_are_read_from_a_trial_as_from_the_base(tmp_path):
    text = (
        "split_characters: yes\nlearning_rate: 1e-3\nnum_train_epochs: 3\nverbalizer: {yes: Yes, 010: No}\n"
        "lr_scheduler_kwargs: {num_cycles: 2}\ntemplate: ['{text}。', '1']\nhub_license: null\ntrain_file: a.tsv\n"
    )
    (tmp_path / "base.yaml").write_text(text, encoding="utf-8")
    base = run_configs.read_base(str(tmp_path / "base.yaml"), {}, space="space.yaml", scored=False)
    flags = base.trial({}, tmp_path / "run")
    del flags["output_dir"]
    write_config(tmp_path / "config.yaml", flags)
    known = {"known": set(flags), "as_written": {"verbalizer", "template"}}
    assert read_config(str(tmp_path / "config.yaml"), **known) == read_config(str(tmp_path / "base.yaml"), **known)
    assert "num_train_epochs: 3\n" in (tmp_path / "config.yaml").read_text(encoding="utf-8")


def test_trial_has_no_files_to_be_scored_on_and_the_last_run_holds_nothing_out():
    flags = {"train_file": "a", "validation_file": "b", "test_file": "c", "validation_share": 0.2}
    flags |= {"submission_columns": "id=ID,label=Y", "submission_labels": "numbers"}  # are about the test file
    base = run_configs.Base("base.yaml", flags)
    assert set(base.trial({"x": 1}, "run")) == {"train_file", "validation_share", "x", "output_dir"}
    last = {"train_file", "validation_file", "test_file", "submission_columns", "submission_labels", "x"}
    assert set(base.whole({"x": 1})) == last


@pytest.mark.parametrize("flag", ["folds: 2", "test_share: 0.2", "splits: 3", "few_shot: 8"])
def test_what_is_not_one_run_on_the_same_texts_is_refused(tmp_path, flag):
    (tmp_path / "base.yaml").write_text(f"train_file: a.tsv\n{flag}\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match=f"base.yaml: {flag.split(':')[0]}: "):
        run_configs.read_base(str(tmp_path / "base.yaml"), {}, space="space.yaml", scored=False)


@pytest.mark.parametrize(("given", "seed"), [({}, 42), ({"seed": 7}, 7), ({"seed": "7"}, 7)])
def test_seed_is_that_of_the_scripts(given, seed):
    assert run_configs.Base("base.yaml", given).seed == seed
