"""What teachers are asked and say: as in prediction, by the names of labels, once for each text."""

import json
import shutil

import numpy as np
import pytest
from datasets import Dataset, Features, Value

from tests.small_heads import CLASSES, TEXTS, TYPES, build_heads
from utils.data.errors import DataError
from utils.distillation.span_cells import unpack_cells
from utils.distillation.teachers import Teacher, contents, kind_of, problem_of
from utils.prediction.answer_finder import AnswerFinder
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.prediction.ngram_finder import NgramFinder
from utils.running.atomic_files import write_files
from utils.scoring.joint_decisions import CharacterTags, decode_characters

SPAN = [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}]
ROWS = {
    "classes": Dataset.from_dict({"text": TEXTS, "label": CLASSES}),
    "pairs": Dataset.from_dict({"text": TEXTS, "text_pair": TEXTS, "label": CLASSES}),
    "labels": Dataset.from_dict({"text": TEXTS, "labels": [CLASSES] * 3}),
    "scores": Dataset.from_dict({"text": TEXTS, "label": [0.5, 1.5, 2.0]}),
    "entities": Dataset.from_dict(
        {"text": TEXTS, "entities": [[]] * 3}, features=Features({"text": Value("string"), "entities": SPAN})
    ),
    "answers": Dataset.from_dict(
        {"question": ["谁？"] * 3, "context": TEXTS, "answers": [{"text": [], "answer_start": []}] * 3}
    ),
}


@pytest.fixture(scope="module")
def heads(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    build_heads(tiny_encoder, folder)
    return folder


def load(heads, names, rows="entities", labels=TYPES):
    return Teacher.load([str(heads / name) for name in names], ROWS[rows], labels, device="cpu")


def read(teacher, rows, form):
    return list(teacher.read(contents(ROWS[rows], teacher.kind), form))


def test_kind_and_problem_are_those_of_the_training_data():
    kinds = {name: kind_of(rows) for name, rows in ROWS.items()}
    assert kinds.pop("entities") == "entities" and kinds.pop("answers") == "answers"
    assert set(kinds.values()) == {"classes"}
    found = [problem_of(ROWS[name]) for name in ("classes", "pairs", "labels", "scores")]
    assert found == ["single", "single", "multi", "regression"]


def test_classes_are_calibrated_probabilities_in_the_order_of_the_student(heads):
    order = CLASSES[::-1]
    found = np.exp(read(load(heads, ["pooled"], "classes", order), "classes", "classes"))
    finder = LabelFinder.load(str(heads / "pooled"))
    assert finder.rule.temperature != 1
    wanted = finder.rule.probabilities(finder.logits(TEXTS))[:, ::-1]
    assert found == pytest.approx(wanted, rel=1e-5)


def test_mean_of_several_is_learnt(heads):
    each = [
        np.exp(read(load(heads, [name], "classes", CLASSES), "classes", "classes")) for name in ("pooled", "cloze")
    ]
    both = np.exp(read(load(heads, ["pooled", "cloze"], "classes", CLASSES), "classes", "classes"))
    assert both == pytest.approx(np.mean(each, axis=0), rel=1e-5)
    ensemble = heads / "ensemble"
    ensemble.mkdir(exist_ok=True)
    about = {"kind": "classes", "members": [str(heads / "pooled"), str(heads / "cloze")], "decision": {}}
    (ensemble / "ensemble.json").write_text(json.dumps(about), encoding="utf-8")
    folder = np.exp(read(load(heads, ["ensemble"], "classes", CLASSES), "classes", "classes"))
    assert folder == pytest.approx(both, rel=1e-5)


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_tags_are_the_marginals_of_the_characters(heads, head):
    found = read(load(heads, [head]), "entities", "tags")
    wanted = EntityFinder.load(str(heads / head)).character_tags(TEXTS, TYPES)
    for numbers, tags in zip(found, wanted, strict=True):
        assert (~np.isnan(numbers[:, 0])).tolist() == tags.covered.tolist()
        assert np.exp(numbers[tags.covered]) == pytest.approx(tags.probabilities[tags.covered], abs=1e-6)


def test_cells_of_a_span_head_are_its_scores_above_the_floor(heads):
    found = read(load(heads, ["span"]), "entities", "cells")
    finder = EntityFinder.load(str(heads / "span"))
    for numbers, entities in zip(found, finder.find(TEXTS), strict=True):
        cells = {one[:3]: one.score for one in unpack_cells(numbers, TYPES)}
        assert len(cells) == len(numbers) > len(entities)
        for one in entities:
            assert cells[one[:3]] == pytest.approx(one.score, abs=2e-3)


@pytest.mark.parametrize("names", [["span"], ["crf", "span"], ["span", "span"]])
def test_any_head_teaches_tags_and_cells(heads, names):
    teacher = load(heads, names)
    for text, numbers, cells in zip(
        TEXTS, read(teacher, "entities", "tags"), read(teacher, "entities", "cells"), strict=True
    ):
        assert numbers.shape == (len(text), 5)
        covered = ~np.isnan(numbers[:, 0])
        assert np.exp(numbers[covered]).sum(-1) == pytest.approx(1, abs=1e-5)
        decode_characters([CharacterTags(np.exp(np.nan_to_num(numbers)), covered)], TYPES)
        assert (cells["end"] > cells["start"]).all() and cells["type"].max(initial=0) <= 1


def test_answers_are_the_chances_of_the_places(heads):
    found = read(load(heads, ["answers"], "answers", []), "answers", "answers")
    wanted = AnswerFinder.load(str(heads / "answers")).chances(ROWS["answers"]["question"][:], TEXTS)
    for numbers, chances, text in zip(found, wanted, TEXTS, strict=True):
        assert numbers.shape == (2, len(text) + 2)
        assert np.exp(numbers[:, 0]) == pytest.approx(chances.nothing)
        assert np.exp(numbers).sum(-1) == pytest.approx([1, 1])
        for side, places in enumerate((chances.starts, chances.ends)):
            for place, chance in places.items():
                assert np.exp(numbers[side, place + 1]) == pytest.approx(chance)


class Counted:
    """A finder that counts what it reads."""

    def __init__(self, finder):
        self.finder, self.read = finder, []

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def logits(self, texts, pairs=None):
        self.read += texts
        return self.finder.logits(texts, pairs)


def test_texts_are_read_once_whatever_the_folder_is_called(heads, tmp_path, info):
    def ask(name, texts, **settings):
        teacher = load(heads, [name], "classes", CLASSES)
        teacher.finder = Counted(teacher.finder)
        found = teacher.learn_from([(text,) for text in texts], "classes", folder=str(tmp_path / "cache"), **settings)
        return teacher.finder.read, [np.exp(each) for each in found]

    read, first = ask("pooled", [*TEXTS, TEXTS[0]])
    assert sorted(read) == sorted(TEXTS) and first[0].tolist() == first[3].tolist()
    assert "teacher: read 3 of 4 texts, the others were known" in info.text
    assert np.stack(first[:3]) == pytest.approx(np.exp(read_again(heads)), abs=1e-3)  # half precision
    shutil.copytree(heads / "pooled", heads / "moved", dirs_exist_ok=True)
    assert ask("moved", [TEXTS[1], "新"])[0] == ["新"]
    assert ask("pooled", TEXTS[:1], precision="bf16")[0] == TEXTS[:1]
    assert ask("cloze", TEXTS[:1])[0] == TEXTS[:1]


def read_again(heads):
    return read(load(heads, ["pooled"], "classes", CLASSES), "classes", "classes")


@pytest.mark.parametrize(
    ("name", "rows", "labels", "said"),
    [
        (
            "crf",
            "classes",
            CLASSES,
            "crf: expected a model for classes, as the training data has, found one for entities",
        ),
        (
            "pooled",
            "entities",
            TYPES,
            "expected a model for entities, as the training data has, found one for classes",
        ),
        (
            "pooled",
            "labels",
            CLASSES,
            "expected a model for several labels for each text, as the training data has, found",
        ),
        (
            "pooled",
            "scores",
            ["score"],
            "expected a model for scores, as the training data has, found one for one class",
        ),
        ("pooled", "pairs", CLASSES, "expected a model for pairs of texts, found one for single texts"),
        ("pooled", "classes", ["travel", "sport"], "lacks sport and has also health, work; name a teacher that"),
        (
            "crf",
            "entities",
            ["name"],
            "lacks none and has also place; name a teacher that was trained on the same entity",
        ),
        ("span", "entities", ["name", "place", "time"], "lacks time and has also none"),
    ],
)
def test_teacher_for_other_things_is_refused_with_the_repair(heads, name, rows, labels, said):
    with pytest.raises(DataError, match="--teacher") as error:
        load(heads, [name], rows, labels)
    assert said in str(error.value)


def test_missing_teacher_is_refused_by_name(heads):
    with pytest.raises(OSError, match="no/such/teacher: expected a trained output directory"):
        Teacher.load(["no/such/teacher"], ROWS["classes"], CLASSES)


def test_second_teacher_is_checked_too(heads):
    with pytest.raises(DataError, match=r"crf: expected a model for classes"):
        load(heads, ["pooled", "crf"], "classes", CLASSES)


def test_ngrams_teach_too(tmp_path):
    rows = Dataset.from_dict({"text": [f"{word}{i}" for i in range(9) for word in CLASSES], "label": CLASSES * 9})
    write_files(tmp_path, NgramFinder.fit(rows, names=CLASSES, analyzer="char", positive=None).files())
    teacher = Teacher.load([str(tmp_path)], rows, CLASSES[::-1], device="cpu", batch_size=8, bf16=False)
    found = teacher.learn_from([("travel1",), ("work2",)], "classes", folder=str(tmp_path / "cache"))
    assert [CLASSES[::-1][int(each.argmax())] for each in found] == ["travel", "work"]
    assert np.exp(np.stack(list(found)).astype(float)).sum(-1) == pytest.approx(1, abs=1e-2)
