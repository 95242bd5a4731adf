"""Accumulated steps, recomputed activations and compiled models learn what a plain run does, with every head."""

import pytest
from transformers.models.bert.modeling_bert import BertIntermediate

from tests.processes.jobs import HEADS, STEPS, losses_of, training_jobs
from tests.processes.run_jobs import SCRIPTS

pytestmark = pytest.mark.long


@pytest.fixture
def train(alone, still_models, samples, tmp_path):
    """Losses of a head's steps with further options, and of the plain run: `train(head, accumulation=2)`."""

    def run(head, **options):
        script, argv = training_jobs(still_models, samples, tmp_path, **options)[list(HEADS).index(head)]
        SCRIPTS[script](argv)
        return losses_of(tmp_path / head), losses_of(alone / head)

    return run


@pytest.mark.parametrize("head", HEADS)
def test_two_accumulated_batches_teach_as_one_of_twice_the_size(train, head):
    found, wanted = train(head, accumulation=2)
    assert len(found) == STEPS and found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_recomputed_activations_give_the_same_gradients(train, head, monkeypatch):
    forward, calls = BertIntermediate.forward, []

    def count(layer, *args, **options):
        calls.extend([1] * layer.training)
        return forward(layer, *args, **options)

    monkeypatch.setattr(BertIntermediate, "forward", count)
    found, wanted = train(head, more="--activation_checkpointing true")
    assert len(calls) == 2 * 2 * STEPS  # two layers, and each again on the way back
    assert len(found) == STEPS and found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_compiled_models_learn_the_same(train, head):
    found, wanted = train(head, more="--torch_compile true")
    assert len(found) == STEPS and found == pytest.approx(wanted, abs=1e-3)
