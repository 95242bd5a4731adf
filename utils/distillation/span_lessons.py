"""What a tagger of spans learns from a teacher: how probable each cell is, see `span_cells`."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .class_lessons import decision_divergence
from .lessons import Lessons
from .span_cells import FLOOR

IMPOSSIBLE = FLOOR * 100  # scores of cells that are no spans lie below


class SpanLessons(Lessons):
    """Binary cross-entropy of each cell less the teacher's entropy, summed over cells, mean over texts and types.

    Cells that the teacher leaves out have its least probability, and cost nothing where the student gives them less.
    """

    def targets(self, rows: Sequence[dict], outputs: Sequence, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`cells` (batch, cells, 3) first token, last token (inclusive), type, padded with -1; `scores`, their
        log-odds."""
        found = [_find_tokens(row, cells) for row, cells in zip(rows, outputs, strict=True)]
        most = max(map(len, found))
        cells = np.full((len(rows), most, 3), -1, dtype=np.int64)
        scores = np.full((len(rows), most), FLOOR, dtype=np.float32)
        for i, each in enumerate(found):
            for side, name in enumerate(("start", "end", "type")):
                cells[i, : len(each), side] = each[name]
            scores[i, : len(each)] = each["score"]
        return {"cells": torch.from_numpy(cells), "scores": torch.from_numpy(scores)}

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """They get a row of -1, by which `SpanTagger` leaves a text out."""
        mark = torch.where(unlabeled[:, None, None], -1, -100).expand(-1, 1, 3)  # of a text whose spans are unknown
        return inputs | {"labels": torch.cat([inputs["labels"], mark.to(inputs["labels"])], 1)}

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over texts and types of the sum over cells."""
        student = outputs["logits"].float()  # (batch, num_types, length, length)
        teacher = torch.full_like(student, FLOOR)
        row, which = (taught["cells"][..., 0] >= 0).nonzero(as_tuple=True)
        first, last, kind = taught["cells"][row, which].unbind(-1)
        place = row, kind, first, last
        teacher.index_put_(place, taught["scores"][row, which].to(teacher))
        spans = student > IMPOSSIBLE
        lifted = torch.where(teacher > FLOOR, student, student.clamp(min=FLOOR))
        each = decision_divergence(lifted / self.temperature, teacher / self.temperature).masked_fill(~spans, 0)
        return (weights * each.flatten(2).sum(-1).mean(1)).mean()


def _find_tokens(row: dict, cells: np.ndarray) -> np.ndarray:
    """The cells that lie in a window, by its tokens; where two become one, the more probable."""
    token = np.full(int(max([*row["ends"], 0])) + 1, -1, dtype=np.int64)  # of each character
    for place in np.flatnonzero(row["token_mask"]).tolist():
        token[row["starts"][place] : row["ends"][place]] = place
    cells = cells[cells["end"] < len(token)].copy()
    cells["score"] = np.maximum(cells["score"], FLOOR)
    first, last = token[cells["start"]], token[cells["end"] - 1]
    whole = (first >= 0) & (last >= 0)
    cells, first, last = cells[whole], first[whole], last[whole]
    cells["start"], cells["end"] = first, last
    order = np.argsort(-cells["score"], kind="stable")
    _, kept = np.unique(cells[order][["start", "end", "type"]], return_index=True)
    return cells[order][np.sort(kept)]
