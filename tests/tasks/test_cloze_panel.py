"""Tests of utils/tasks/cloze_panel.py, over finders whose logits are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from utils.prompting.priors import answer_prior, log_softmax
from utils.tasks.cloze_classes import ClozePanel

LOGITS = [np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]), np.array([[0.5, 0.0, 0.0], [2.0, 1.0, 0.0]])]


@pytest.fixture(params=[False, True])
def panel(request):
    finders = [SimpleNamespace(logits=lambda texts, pairs, found=found: found) for found in LOGITS]
    return ClozePanel(finders, [[], []], by_batch=request.param)


def test_templates_have_equal_weights_or_those_given(panel):
    each = panel.logits_by_template(["a", "b"])
    wanted = [found - answer_prior(found) * panel.by_batch for found in LOGITS]
    for found, plain in zip(each, wanted, strict=True):
        np.testing.assert_allclose(found, plain)
    logs = [log_softmax(one) for one in each]
    np.testing.assert_allclose(panel.logits(["a", "b"]), (logs[0] + logs[1]) / 2)
    panel.weights = [0.25, 0.75]
    np.testing.assert_allclose(panel.logits(["a", "b"]), 0.25 * logs[0] + 0.75 * logs[1])
