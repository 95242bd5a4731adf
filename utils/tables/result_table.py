"""Groups of runs as a table: mean ± std over seeds, the best in bold where a paired test supports it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..scoring.score_names import describe_score, shown_in
from ..scoring.significance import Comparison
from .csv_cells import harmless_cell
from .paired_examples import Unpaired, class_of, compare_groups
from .run_groups import RunGroup

LEVEL = 0.05


@dataclass
class ResultTable:
    """A table with a row for each group and a column for each score.

    Args:
        groups: see `group_runs`.
        metrics: names of scores, such as `eval_f1`; the first one decides which row is best.
        published: name of a row -> what others have reported, with its source.

    Attributes:
        best: the group with the best mean, if a paired test separates it from every other; else None.
        comparisons: the best mean compared with each other group, by name; or why that is not possible.
    """

    groups: Sequence[RunGroup]
    metrics: Sequence[str]
    published: dict[str, str] = field(default_factory=dict)
    best: RunGroup | None = field(init=False, default=None)
    comparisons: dict[str, Comparison | Unpaired] = field(init=False, default_factory=dict)

    def __post_init__(self):
        scored = [group for group in self.groups if group.spread(self.metrics[0])]
        if len(scored) < 2:
            return
        sign = -1 if describe_score(self.metrics[0]).lower_is_better else 1
        first = max(scored, key=lambda group: sign * group.spread(self.metrics[0])[0])
        self.comparisons = {
            other.name: compare_groups(first, other, self.metrics[0]) for other in scored if other is not first
        }
        if all(isinstance(found, Comparison) and found.p < LEVEL for found in self.comparisons.values()):
            self.best = first

    def cells(self, group: RunGroup) -> list[str]:
        """A cell for each score: mean ± std, times 100 for shares."""
        found = []
        for metric in self.metrics:
            spread = group.spread(metric)
            scale = scale_of(metric)
            if spread is None:
                found.append("")
            else:
                found.append(_cell(*spread, scale))
        return found

    def _rows(self) -> list[list[str]]:
        head = ["run", *self.metrics, "n", *(["published"] if self.published else [])]
        rows = [head]
        for group in self.groups:
            own = [group.name, *self.cells(group), str(len(group.runs))]
            rows.append(own + ([self.published.get(group.name, "")] if self.published else []))
        return rows

    def markdown(self) -> str:
        """The table with the best cell in bold, and below it the best mean compared with the others."""
        lines = []
        for number, row in enumerate(self._rows()):
            cells = [_plain_cell(cell) for cell in row]
            if number and self.groups[number - 1] is self.best:
                cells[1] = f"**{cells[1]}**"
            lines.append(f"| {' | '.join(cells)} |")
            if number == 0:
                lines.append("|---" * len(row) + "|")
        return "\n".join(lines + self.remarks()) + "\n"

    def remarks(self) -> list[str]:
        """The tests behind the bold print, or why there are none."""
        if not self.comparisons:
            return self._notes()
        metric, reasons = self.metrics[0], {str(found) for found in self.comparisons.values()}
        if not any(isinstance(found, Comparison) for found in self.comparisons.values()) and len(reasons) == 1:
            return ["", f"{metric}: no paired test: {reasons.pop()}", *self._notes()]  # a speed, say
        lines = ["", f"{metric}, best mean compared with each other row; paired over examples, seeds averaged:", ""]
        for name, found in self.comparisons.items():
            told = found.describe() if isinstance(found, Comparison) else f"not tested: {found}"
            lines.append(f"- {name}: {told}")
        return lines + self._notes()

    def _notes(self) -> list[str]:
        """Rows that average over runs on different data, such as folds; and the classes that scores are for."""
        lines = []
        found = [group.name for group in self.groups if len({run.data_hash("train") for run in group.runs}) > 1]
        if found:
            lines += ["", f"each run on its own data: {', '.join(found)}"]
        for metric in self.metrics:
            owners: dict[str, list[str]] = {}
            for group in self.groups:
                if (label := class_of(group, metric)) is not None:
                    owners.setdefault(label, []).append(group.name)
            for label, names in owners.items():
                lines += ["", f"{metric} is for the class {label}: {', '.join(names)}"]
        return lines

    def csv(self) -> str:
        """Means and deviations in separate columns; cells that a spreadsheet would run get an apostrophe."""
        output = io.StringIO()
        writer = csv.writer(output, lineterminator="\n")
        head = [name for metric in self.metrics for name in (metric, f"{metric}_std")]
        writer.writerow(["group", *head, "n", *(["published"] if self.published else [])])
        for group in self.groups:
            values: list = []
            for metric in self.metrics:
                mean, deviation = group.spread(metric) or (None, None)
                values += ["" if each is None else f"{each:.6f}" for each in (mean, deviation)]
            more = [self.published.get(group.name, "")] if self.published else []
            writer.writerow([harmless_cell(cell) for cell in [group.name, *values, str(len(group.runs)), *more]])
        return output.getvalue()

    def latex(self) -> str:
        """A LaTeX table for the package booktabs."""
        rows = self._rows()
        lines = [f"\\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}", "\\toprule"]
        for number, row in enumerate(rows):
            cells = [_latex(cell) for cell in row]
            if number and self.groups[number - 1] is self.best:
                cells[1] = f"\\textbf{{{cells[1]}}}"
            lines.append(" & ".join(cells) + " \\\\")
            if number == 0:
                lines.append("\\midrule")
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def scale_of(metric: str) -> int:
    """The factor by which a score is shown: 100 for shares, else 1."""
    return 100 if describe_score(metric).share else 1


def epoch_table(groups: Sequence[RunGroup], metric: str) -> str:
    """A Markdown table of a score during training: a row for each epoch, a column for each group."""
    scale = scale_of(metric)
    columns = [{epoch: spread for epoch, *spread in group.epochs(metric)} for group in groups]
    lines = [
        f"| {metric} after epoch | {' | '.join(group.name for group in groups)} |",
        "|---" * (len(groups) + 1) + "|",
    ]
    for epoch in sorted(set().union(*columns)):
        cells = [_cell(*column[epoch], scale) if epoch in column else "" for column in columns]
        lines.append(f"| {epoch:g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def class_table(group: RunGroup, split: str) -> str:
    """A Markdown table of a group's classes and their averages."""
    lines = [f"| {group.name} | precision | recall | F1 | support |", "|---" * 5 + "|"]
    for label, scores in group.classes(split).items():
        shares = [_cell(*scores[key], 100) for key in ("precision", "recall", "f1")]
        mean, deviation = scores["support"]
        support = f"{mean:,.0f}" if not deviation else f"{mean:,.1f} ± {deviation:,.1f}"
        lines.append(f"| {' | '.join([_plain_cell(label), *shares, support])} |")
    return "\n".join(lines) + "\n"


def _plain_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _cell(mean: float, deviation: float | None, scale: int) -> str:
    return f"{scale * mean:.2f}" + (f" ± {scale * deviation:.2f}" if deviation is not None else "")


def choose_metrics(groups: Sequence[RunGroup]) -> list[str]:
    """The scores that all groups have, those of the test part if it was scored, in the order of `score_names`."""
    for beginning in ("test", "eval"):
        names = [f"{beginning}_{name}" for name in shown_in("table") if name != "loss"]
        if found := [name for name in names if all(group.values(name) for group in groups)]:
            return found
    return [name for name in ("eval_loss",) if all(group.values(name) for group in groups)]


LATEX = str.maketrans(
    {**{character: f"\\{character}" for character in "&%$#_{}"}, "\\": "\\textbackslash{}"}
    | {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$"}
)


def _latex(cell: str) -> str:
    return cell.translate(LATEX)
