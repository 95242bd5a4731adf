"""What varies between trials: files of settings, and what is drawn from them."""

import optuna
import pytest

from utils.data.errors import ArgumentError
from utils.search import spaces


def read(tmp_path, text):
    (tmp_path / "space.yaml").write_text(text, encoding="utf-8")
    return spaces.read_space(str(tmp_path / "space.yaml"))


def draw(space, count=20):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.draw(study.ask()) for _ in range(count)]


def test_drawn_values_lie_in_their_ranges_and_are_of_their_kind(tmp_path):
    space = read(
        tmp_path,
        "rate: {log: [1e-5, 1e-3]}\nepochs: {int: [2, 6], step: 2}\ndropout: {uniform: [0, 0.3], step: 0.1}\n"
        "head: [crf, span]\n",
    )
    drawn = draw(space)
    assert all(1e-5 <= each["rate"] <= 1e-3 for each in drawn) and sum(each["rate"] < 1e-4 for each in drawn) > 3
    assert {each["epochs"] for each in drawn} == {2, 4, 6}
    assert {round(each["dropout"], 9) for each in drawn} == {0, 0.1, 0.2, 0.3}
    assert {each["head"] for each in drawn} == {"crf", "span"}


def test_choices_keep_the_form_in_which_they_are_written(tmp_path):
    space = read(tmp_path, "split_characters: [yes, no]\nbatch: [8, 16]\nrate: [1e-3, null]\nlists: [[a, b], c]\n")
    assert list(space.settings["split_characters"].choices.items()) == [("yes", "yes"), ("no", "no")]
    assert space.values({"batch": "16", "rate": "null"}) == {"batch": 16, "rate": None}
    assert space.values({"rate": "1e-3", "lists": '["a", "b"]'}) == {"rate": "1e-3", "lists": ["a", "b"]}


def test_setting_with_a_condition_is_drawn_where_it_holds(tmp_path):
    space = read(tmp_path, "head: [crf, span, softmax]\nrate: {log: [1e-3, 1], when: {head: [crf, softmax]}}\n")
    for drawn in draw(space):
        assert ("rate" in drawn) == (drawn["head"] != "span")


def test_probes_have_both_ends_and_all_combinations_of_choices(tmp_path):
    space = read(tmp_path, "a: [x, y]\nb: [u, v]\nc: {int: [1, 5], when: {a: x}}\n")
    probes = space.probes()
    assert {(each["a"], each["b"]) for each in probes} == {(a, b) for a in "xy" for b in "uv"}
    assert {each.get("c") for each in probes} == {1, 5, None} and len(probes) == 6


def test_probes_of_many_choices_have_each_of_them(tmp_path):
    space = read(tmp_path, "".join(f"{name}: [1, 2, 3]\n" for name in "abcd"))
    probes = space.probes()
    assert len(probes) < 13 and all({each[name] for each in probes} == {"1", "2", "3"} for name in "abcd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate: 3", r"rate: expected choices `\[a, b\]` or a range `{log: \[1e-5, 1e-3\]}`, found 3"),
        ("rate: {lg: [1, 2]}", "rate: expected one of log, uniform, int and choices, .* found lg"),
        ("rate: {log: [1, 2], int: [1, 2]}", "found log, int"),
        ("rate: {log: [0, 1]}", r"rate: expected ends above 0 for a log range, found .*; use uniform"),
        ("rate: {uniform: [1, 1]}", "expected a low end below the high end"),
        ("rate: {uniform: [1, .inf]}", "expected numbers|expected a low end"),
        ("rate: {int: [1, 2.5]}", "expected whole numbers"),
        ("rate: {uniform: [a, b]}", "expected numbers, found"),
        ("rate: {uniform: [1]}", r"expected two ends `{uniform: \[low, high\]}`"),
        ("rate: {log: [1, 2], step: 1}", "expected no step in a log range"),
        ("rate: {int: [1, 3], step: 5}", "expected a step above 0 and up to 2, found 5"),
        ("rate: [1]", "expected two choices or more, found .*; a single one belongs in the base"),
        ("rate: [1, 1]", "expected different choices"),
        ("rate: {choices: [1, 2], step: 1}", "found choices; leave it out"),
        (
            "a: [1, 2]\nrate: {int: [1, 2], when: {b: 1}}",
            "when: expected choices that stand above it in the file, found b",
        ),
        ("a: [1, 2]\nrate: {int: [1, 2], when: {a: 3}}", "when: a: expected some of 1, 2, found 3"),
        ("- rate", "expected a mapping such as"),
        ("# nothing yet", "expected settings to search, such as .*, found none; add one"),
        ("a: 1\nb: 2", r"(?s)a: expected choices.*b: expected choices"),
    ],
)
def test_setting_that_cannot_be_drawn_is_refused(text, said, tmp_path):
    with pytest.raises(ArgumentError, match=said):
        read(tmp_path, text)
