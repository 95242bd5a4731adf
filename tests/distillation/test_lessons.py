"""The teacher's part of the loss, by hand, for each form of task."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from utils.data.tag_schemes import tag_names
from utils.distillation.answer_lessons import AnswerLessons
from utils.distillation.class_lessons import ClassLessons, LabelLessons, ScoreLessons
from utils.distillation.lessons import ROW
from utils.distillation.span_cells import CELL, FLOOR
from utils.distillation.span_lessons import SpanLessons
from utils.distillation.tag_lessons import TagLessons
from utils.modeling.crf import LinearChainCRF
from utils.training.losses import LabelLoss, ScoreLoss

NONE = SimpleNamespace()  # a model without a CRF


def learn(lessons, rows, outputs, *, batch=(), loss=0.0, model=NONE, share=1.0, **inputs):
    """The loss of a batch whose rows have these numbers."""
    batch = {"labels": torch.zeros(len(rows), dtype=torch.int64)} | dict(batch) | inputs
    batch |= lessons.add(rows, batch)
    plain, taught = lessons.divide(batch)
    assert not any(name.startswith("taught") for name in plain)
    return lessons.join(torch.tensor(loss), outputs, plain, taught, model=model, share=share)


def softened(logits, temperature):
    logits = torch.tensor(logits, dtype=torch.float64) / temperature
    return logits.softmax(-1)


def divergence(teacher, student):
    return (teacher * (teacher.log() - student.log())).sum().item()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_class_loss_is_the_tempered_divergence_times_the_squared_temperature(temperature):
    told, said = [[2.0, 0.0, -1.0], [0.0, 1.0, 0.5]], [[0.3, 0.2, 0.1], [1.0, -1.0, 0.0]]
    outputs = [np.array(each, dtype=np.float16) for each in told]
    lessons = ClassLessons(outputs, 1, weight=0.25, temperature=temperature)
    pair = zip(told, said, strict=True)
    each = [divergence(softened(one, temperature), softened(other, temperature)) for one, other in pair]
    # The first row has a label, of which the rest of the weight is; the second has none.
    wanted = 0.75 * 4.0 + 0.5 * temperature**2 * (0.25 * each[0] + each[1]) / 2
    found = learn(lessons, [{ROW: 0}, {ROW: 1}], {"logits": torch.tensor(said)}, loss=4.0, share=0.5)
    assert found.item() == pytest.approx(wanted, rel=1e-3)


def test_student_that_agrees_with_the_teacher_has_no_loss_and_no_gradient():
    logits = torch.tensor([[0.5, -0.5, 0.25]], requires_grad=True)
    lessons = ClassLessons([logits[0].detach().numpy()], 1, weight=1.0, temperature=2.0)
    loss = learn(lessons, [{ROW: 0}], {"logits": logits})
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6) and logits.grad.abs().max() < 1e-6


def test_labels_of_rows_without_any_are_hidden():
    labels = torch.tensor([2, 1])
    lessons = ClassLessons([np.zeros(3)] * 2, 1, weight=0.5, temperature=1.0)
    plain, _ = lessons.divide({"labels": labels} | lessons.add([{ROW: 1}, {ROW: 0}], {}))
    assert plain["labels"].tolist() == [-100, 1] and labels.tolist() == [2, 1]


def test_each_label_is_a_decision_by_itself():
    told, said = [3.0, -1.0], [0.5, 0.25]
    lessons = LabelLessons([np.array(told)], 1, weight=1.0, temperature=2.0)
    each = []
    for one, other in zip(told, said, strict=True):
        p, q = (1 / (1 + math.exp(-value / 2)) for value in (one, other))
        each.append(p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))
    found = learn(lessons, [{ROW: 0}], {"logits": torch.tensor([said])}, labels=torch.zeros(1, 2))
    assert found.item() == pytest.approx(4 * sum(each) / 2)


def test_scores_are_compared_by_their_squared_difference():
    lessons = ScoreLessons([np.array([1.5]), np.array([2.0])], 1, weight=0.5, temperature=1.0)
    found = learn(lessons, [{ROW: 0}, {ROW: 1}], {"logits": torch.tensor([[1.0], [5.0]])}, labels=torch.zeros(2))
    assert found.item() == pytest.approx((0.5 * 0.25 + 9.0) / 2)


@pytest.mark.parametrize(
    ("lessons", "loss"), [(LabelLessons, LabelLoss(focal_gamma=1.0)), (ScoreLessons, ScoreLoss())]
)
def test_rows_without_labels_do_not_count_in_the_loss_of_labels(lessons, loss):
    logits = torch.randn(2, 2 if lessons is LabelLessons else 1, requires_grad=True)
    labels = torch.ones(2, 2) if lessons is LabelLessons else torch.ones(2)
    taught = lessons([np.zeros(2)] * 2, 1, weight=0.5, temperature=1.0)
    hidden = taught.hide({"labels": labels}, torch.tensor([False, True]))["labels"]
    found = loss({"logits": logits}, hidden, num_items_in_batch=labels.numel())
    assert found.item() == pytest.approx(loss({"logits": logits[:1]}, labels[:1], labels.numel()).item())
    found.backward()
    assert logits.grad.isfinite().all() and logits.grad[1].abs().sum() == 0 and logits.grad[0].abs().sum() > 0


# Tags

TYPES = ["name", "place"]
WINDOW = {  # [CLS] 张伟 在 北京 [SEP], the names as one token each
    "token_mask": [False, True, True, True, False],
    "starts": [0, 0, 2, 3, 0],
    "ends": [0, 2, 3, 5, 0],
}
TOLD = np.array(
    [
        [0.1, 0.6, 0.1, 0.1, 0.1],
        [0.2, 0.1, 0.5, 0.1, 0.1],
        [0.8, 0.05, 0.05, 0.05, 0.05],
        [0.1, 0.1, 0.1, 0.6, 0.1],
        [0.1, 0.1, 0.1, 0.1, 0.6],
    ]
)


def make_tag_lessons(told=TOLD, *, scheme="bio", temperature=1.0, labelled=1):
    tags = {tag: i for i, tag in enumerate(tag_names(TYPES, scheme=scheme))}
    outputs = [np.log(told).astype(np.float32).flatten()]
    settings = {"weight": 1.0, "temperature": temperature}
    return TagLessons(outputs, labelled, label2id=tags, types=TYPES, **settings), tags


def learn_tags(lessons, logits, *, model=NONE):
    shape = {"input_ids": torch.zeros(logits.shape[:2], dtype=torch.int64), "labels": torch.zeros(logits.shape[:2])}
    mask = torch.tensor([WINDOW["token_mask"] + [False] * (logits.shape[1] - 5)])
    return learn(lessons, [{ROW: 0} | WINDOW], {"logits": logits}, batch=shape, token_mask=mask, model=model)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("scheme", ["bio", "bioes"])
def test_tags_of_tokens_are_compared_by_their_characters(scheme, temperature):
    lessons, tags = make_tag_lessons(scheme=scheme, temperature=temperature)
    torch.manual_seed(0)
    logits = torch.randn(1, 7, len(tags))
    chances = logits[0].softmax(-1).double()

    def character(token, first):
        found = torch.zeros(5, dtype=torch.float64)
        for tag, i in tags.items():
            kind = 0 if tag == "O" else 1 + 2 * TYPES.index(tag[2:]) + (not first or tag[0] not in "BS")
            found[kind] += chances[token, i]
        return found

    total = 0.0
    for place, (token, first) in enumerate([(1, True), (1, False), (2, True), (3, True), (3, False)]):
        told, said = (each ** (1 / temperature) for each in (torch.tensor(TOLD[place]), character(token, first)))
        told, said = told / told.sum(), said / said.sum()
        if not first:  # inside a token, an entity cannot begin
            told = torch.stack([told[0], told[1] + told[2], told[3] + told[4]])
            said = said[[0, 2, 4]]
        total += divergence(told, said)
    found = learn_tags(lessons, logits)
    assert found.item() == pytest.approx(temperature**2 * total / 5, rel=1e-4)


def test_crf_student_is_compared_by_its_marginals():
    lessons, tags = make_tag_lessons()
    torch.manual_seed(0)
    crf = LinearChainCRF(list(tags))
    logits = torch.randn(1, 5, len(tags), requires_grad=True)
    found = learn_tags(lessons, logits, model=SimpleNamespace(crf=crf))
    marginals = crf.marginals(logits, torch.tensor([WINDOW["token_mask"]]))
    assert found.item() == pytest.approx(learn_tags(lessons, marginals.clamp(1e-12).log()).item(), rel=1e-3)
    found.backward()
    assert logits.grad[0, 1:4].abs().sum(-1).min() > 0 and crf.transitions.grad.abs().sum() > 0


def test_tag_student_learns_what_the_teacher_says_of_the_characters_it_reads():
    told = TOLD.copy()
    told[2] = np.nan  # in no token of the teacher
    lessons, tags = make_tag_lessons(told)
    logits = torch.zeros(1, 5, len(tags), requires_grad=True)
    learn_tags(lessons, logits).backward()
    assert logits.grad[0, 2].abs().sum() == 0
    assert logits.grad[0, 1].argmin() == tags["B-name"] and logits.grad[0, 3].argmin() == tags["B-place"]


def test_tags_of_rows_without_labels_are_hidden():
    lessons, _ = make_tag_lessons(labelled=0)
    hidden = lessons.hide({"labels": torch.ones(2, 3, dtype=torch.int64)}, torch.tensor([True, False]))["labels"]
    assert hidden.tolist() == [[-100] * 3, [1] * 3]


# Spans


def make_cells(*cells):
    return np.array(list(cells), dtype=CELL)


def learn_spans(cells, logits, *, temperature=1.0, weight=1.0):
    lessons = SpanLessons([cells], 1, weight=weight, temperature=temperature)
    batch = {"labels": torch.full((1, 1, 3), -100), "input_ids": torch.zeros(1, 5)}
    return learn(lessons, [{ROW: 0} | WINDOW], {"logits": logits}, batch=batch)


def grid(fill, types=2, length=5):
    logits = torch.full((1, types, length, length), -1e4)
    for kind in range(types):
        for first in (1, 2, 3):
            for last in range(first, 4):
                logits[0, kind, first, last] = fill
    return logits


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_cells_are_compared_as_decisions_and_summed(temperature):
    # 张伟 as a name, with characters 3 and 4 a place; and one of half a token, which becomes the whole one.
    cells = make_cells((0, 2, 0, 2.0), (3, 5, 1, 1.0), (3, 4, 1, -3.0))
    logits = grid(0.5)

    def decision(told):
        p, q = (1 / (1 + math.exp(-value / temperature)) for value in (told, 0.5))
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    total = decision(2.0) + decision(1.0) + 10 * decision(FLOOR)  # 6 cells of each type
    found = learn_spans(cells, logits, temperature=temperature)
    assert found.item() == pytest.approx(temperature**2 * total / 2, rel=1e-3)


def test_cells_that_the_teacher_leaves_out_may_be_as_improbable_as_the_student_likes():
    logits = grid(FLOOR - 3.0).requires_grad_()
    loss = learn_spans(make_cells(), logits)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5) and logits.grad.abs().sum() == 0
    logits = grid(FLOOR - 3.0).requires_grad_()
    learn_spans(make_cells((0, 2, 0, 2.0)), logits).backward()
    assert logits.grad[0, 0, 1, 1] < -0.1  # but not where the teacher sees an entity


def test_cells_outside_of_the_window_are_passed_over():
    found = learn_spans(make_cells((0, 9, 0, 2.0), (20, 22, 1, 3.0)), grid(FLOOR))
    assert found.item() == pytest.approx(0, abs=1e-5)


def test_texts_without_spans_are_marked_for_the_model():
    lessons = SpanLessons([make_cells()], 0, weight=0.5, temperature=1.0)
    labels = torch.tensor([[[1, 2, 0]], [[1, 2, 0]]])
    hidden = lessons.hide({"labels": labels}, torch.tensor([True, False]))["labels"]
    assert hidden.tolist() == [[[1, 2, 0], [-1] * 3], [[1, 2, 0], [-100] * 3]]


# Answers

PASSAGE = {"first": 3, "starts": [2, 4, 5], "ends": [4, 5, 6]}  # tokens of characters 2-3, 4 and 5 of 8


def test_answers_are_compared_by_the_tokens_that_hold_their_characters():
    starts, ends = np.zeros(10), np.zeros(10)
    starts[[0, 1 + 2, 1 + 3, 1 + 5, 1 + 7]] = 0.1, 0.3, 0.2, 0.3, 0.1  # none, characters 2, 3, 5, and 7 (elsewhere)
    ends[[0, 1 + 4, 1 + 6]] = 0.2, 0.5, 0.3  # none, before 4 (the first token), before 6 (the third)
    with np.errstate(divide="ignore"):
        told = np.log(np.stack([starts, ends]))
    lessons = AnswerLessons([told.flatten()], 1, weight=0.5, temperature=1.0)
    batch = {"input_ids": torch.zeros(1, 8, dtype=torch.int64)}
    targets = lessons.add([{ROW: 0} | PASSAGE], batch)["taught_targets"]
    assert targets[0, 0].tolist() == pytest.approx([0.2, 0, 0, 0.5, 0, 0.3, 0, 0], abs=1e-6)
    assert targets[0, 1].tolist() == pytest.approx([0.2, 0, 0, 0.5, 0, 0.3, 0, 0], abs=1e-6)
    torch.manual_seed(0)
    outputs = {"start_logits": torch.randn(1, 8), "end_logits": torch.randn(1, 8)}
    places = {"start_positions": torch.tensor([3]), "end_positions": torch.tensor([5])}
    found = learn(lessons, [{ROW: 0} | PASSAGE], outputs, batch=batch, **places)
    logs = [outputs[name][0].log_softmax(-1) for name in ("start_logits", "end_logits")]
    hard = -(logs[0][3] + logs[1][5]).item() / 2
    told = targets[0].double()
    soft = [sum(p * (p.log() - q) for p, q in zip(told[side], logs[side], strict=True) if p > 0) for side in (0, 1)]
    assert found.item() == pytest.approx(0.5 * hard + 0.5 * sum(soft).item() / 2, rel=1e-4)


def test_question_without_an_answer_is_learnt_from_the_teacher_alone():
    lessons = AnswerLessons([np.log(np.full(20, 0.1))], 0, weight=0.5, temperature=1.0)
    outputs = {name: torch.randn(1, 8) for name in ("start_logits", "end_logits")}
    places = {"start_positions": torch.tensor([0]), "end_positions": torch.tensor([0])}
    batch = {"input_ids": torch.zeros(1, 8, dtype=torch.int64)}
    found = learn(lessons, [{ROW: 0} | PASSAGE], outputs, batch=batch, **places)
    plain, taught = lessons.divide(batch | places | lessons.add([{ROW: 0} | PASSAGE], batch))
    assert found.item() == pytest.approx(lessons.soft(outputs, plain, taught, torch.ones(1), NONE).item())
