"""Which tag may follow which, derived from the tag names of a scheme."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class TagRules(NamedTuple):
    """What a tag scheme permits. All are boolean; rows are the earlier tag, columns the later one."""

    transitions: Tensor  # (num_labels, num_labels): may the later tag follow the earlier one?
    starts: Tensor  # (num_labels,): may a sequence start with this tag?
    ends: Tensor  # (num_labels,): may a sequence end with this tag?
    continues: Tensor  # (num_labels, num_labels): does the later tag continue the entity of the earlier one?


def tag_rules(labels: Sequence[str]) -> TagRules:
    """Derive the rules of a BIO, BIOS or BIOES scheme from its tag names.

    Args:
        labels: tag names in the order of their ids. `E-` tags make the scheme BIOES, `S-` without `E-` make it BIOS
            (where `B-` must be continued: a single unit has `S-`). Names without such a prefix may occur anywhere.

    Example:
        >>> tag_rules(["O", "B-PER", "I-PER"]).transitions.int().tolist()
        [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    parts = [(label[0], label[2:]) if label[1:2] == "-" and label[0] in "BIES" else ("O", "") for label in labels]
    prefixes = {prefix for prefix, _ in parts}
    if "E" in prefixes:
        must_continue = "BI"
    elif "S" in prefixes:
        must_continue = "B"
    else:
        must_continue = ""
    size = len(labels)
    permitted, continues = torch.zeros(size, size, dtype=torch.bool), torch.zeros(size, size, dtype=torch.bool)
    for i, (earlier, earlier_type) in enumerate(parts):
        for j, (later, later_type) in enumerate(parts):
            inside = later in "IE" and earlier in "BI" and earlier_type == later_type
            continues[i, j] = inside
            permitted[i, j] = inside if earlier in must_continue else inside or later not in "IE"
    starts = torch.tensor([prefix not in "IE" for prefix, _ in parts])
    ends = torch.tensor([prefix not in must_continue or prefix == "O" for prefix, _ in parts])
    return TagRules(permitted, starts, ends, continues)
