"""Tests of `write_config` in utils/running/atomic_files.py."""

from pathlib import Path

import pytest
import yaml

from utils.files.prompt_files import read_label_words
from utils.options.arguments import parse_arguments
from utils.options.prompt_arguments import PromptArguments
from utils.prompting.verbalizers import read_verbalizer
from utils.running.atomic_files import write_config

WORDS = {
    "no": ["no", "on", "null", "~", "1", "1e-3", "0x1F", "2026-11-21"],
    "1": ["不错", "好: 的", "it's", 'a "b"', "{x}", "[y]", "#z", "- w", "a, b"],
    "正面，好": ["𠀀𠮷", "😀", "yes", "true", "=", "<<", "%", "@a", "`b`", "!c", "&d", "*e", "|", ">", "?"],
}
TEMPLATES = [
    "{text}总的来说很{mask}。",
    "{text}: 'It was' \"{mask}\" # really?",
    "{{x}}{text} - {mask}, [no]",
    "*{text}{mask} 𠀀 " + "很长" * 100,
]


def parse(*argv):
    return parse_arguments(PromptArguments, argv=list(argv))[0]


def test_found_words_and_templates_come_back_as_a_configuration(tmp_path):
    path = str(tmp_path / "found.yaml")
    write_config(path, {"template": TEMPLATES, "verbalizer": WORDS, "top_k": 3}, comment="two\nlines: {x}")
    prompt = parse(path)
    assert prompt.template == TEMPLATES and prompt.top_k == 3
    assert read_label_words(prompt.verbalizer) == WORDS
    assert read_verbalizer(read_label_words(prompt.verbalizer)).labels == list(WORDS)
    assert Path(path).read_text(encoding="utf-8").startswith("# two\n# lines: {x}\ntemplate:\n- ")
    assert parse(path, "--top_k", "7").top_k == 7


@pytest.mark.parametrize("template", [*TEMPLATES, "- {text}{mask}", "--{text}{mask}", " {text} {mask} ", "no{mask}"])
def test_one_template_comes_back(tmp_path, template):
    path = str(tmp_path / "found.yaml")
    write_config(path, {"template": template})
    assert parse(path).template == [template]


def test_words_alone_are_a_file_of_the_verbalizer(tmp_path):
    path = str(tmp_path / "words.yaml")
    write_config(path, WORDS)
    assert read_label_words(parse("--verbalizer", path).verbalizer) == WORDS
    weighted = {"good": {"好": 2, "不错": 0.5}, "bad": "差"}
    write_config(path, weighted)
    assert read_label_words(path) == weighted


def test_characters_are_written_as_they_are(tmp_path):
    write_config(tmp_path / "found.yaml", {"template": "{text}很{mask}。"})
    assert (tmp_path / "found.yaml").read_text(encoding="utf-8") == "template: '{text}很{mask}。'\n"


def test_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "found.yaml"
    write_config(path, {"top_k": 3})
    with pytest.raises(yaml.representer.RepresenterError):
        write_config(path, {"top_k": 4, "template": object()})
    assert path.read_text(encoding="utf-8") == "top_k: 3\n" and list(tmp_path.iterdir()) == [path]
