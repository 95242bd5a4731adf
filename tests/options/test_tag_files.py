"""How the options of tag files become what the reader is told."""

import pytest

from utils.data.errors import ArgumentError
from utils.options.adapter_arguments import AdapterArguments
from utils.options.arguments import parse_arguments
from utils.options.shared_arguments import ModelArguments, TrickArguments
from utils.options.tag_files import TagArguments
from utils.tasks.run_folder import Run

NAMES = ["O", "B-PER", "I-PER"]


def reading(*words, used=True):
    tagging, training = parse_arguments(TagArguments, argv=["--output_dir", "out", *words])
    return tagging.reading(training, used=used), training


@pytest.mark.parametrize("given", [["O,B-PER,I-PER"], NAMES, ["O, B-PER", "I-PER"]], ids=str)
def test_names_of_tags_are_taken_from_the_trainer(given):
    assert reading("--label_names", *given)[0]["label_names"] == NAMES
    ours = TagArguments, ModelArguments, AdapterArguments, TrickArguments
    words = ["--model_name_or_path", "model", "--output_dir", "out", "--label_names", *given]
    assert Run(parse_arguments(*ours, argv=words)).training.label_names is None  # they are no inputs of the model


@pytest.mark.parametrize("content", ["O\nB-PER\nI-PER\n", "O\r\nB-PER\r\nI-PER", "\ufeffO\nB-PER\nI-PER\n"], ids=repr)
def test_names_may_stand_in_a_file_one_a_line(tmp_path, content):
    (tmp_path / "labels.txt").write_bytes(content.encode())
    assert reading("--label_names", str(tmp_path / "labels.txt"))[0]["label_names"] == NAMES


@pytest.mark.parametrize("given", ["O,,B-PER", "O,O", ""])
def test_names_that_are_none_or_twice_there_are_refused(given):
    with pytest.raises(ArgumentError, match="--label_names: expected different names, such as O,B-PER"):
        reading(f"--label_names={given}")


def test_without_options_nothing_is_told_apart_from_the_defaults():
    assert reading()[0] == {"scheme": "auto", "repair_tags": False, "label_names": None, "tag_column": None}
    assert reading(used=False)[0] == {}


@pytest.mark.parametrize(
    "words",
    [["--repair_tags"], ["--file_scheme", "bio"], ["--tag_column", "2"], ["--label_names", "O,B-PER"]],
    ids=str,
)
def test_options_are_refused_where_no_entities_are_read(words):
    with pytest.raises(ArgumentError, match=f"{words[0]}: expected a template with {{span}}; it is for entities"):
        reading(*words, used=False)


def test_column_before_the_first_is_refused():
    with pytest.raises(ArgumentError, match="--tag_column 0: expected 1 or more"):
        reading("--tag_column", "0")


def test_names_in_other_scripts_stay_refused():
    with pytest.raises(ArgumentError, match="--label_names: each script knows its labels"):
        parse_arguments(argv=["--output_dir", "out", "--label_names", "labels"])
