"""Groups of runs as a table: mean ± std over seeds, the best in bold where a paired test supports it."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from ..scoring.score_names import describe_score, shown_in, written_name
from ..scoring.significance import Comparison
from .paired_examples import Unpaired, class_of, compare_groups
from .run_groups import RunGroup

LEVEL = 0.05
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # beginnings of cells that a spreadsheet runs
LATEX = str.maketrans(
    {**{character: f"\\{character}" for character in "&%$#_{}"}, "\\": "\\textbackslash{}"}
    | {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$"}
)


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

    def _row(self, name: str, cells: Sequence[str], count: str, published: str) -> list[str]:
        return [name, *cells, count, *([published] if self.published else [])]

    def _rows(self, escape: Callable[[str], str], bold: str) -> list[list[str]]:
        """The head and a row for each group, escaped: mean ± std, times 100 for shares; the best one in `bold`."""
        rows = [self._row("run", self.metrics, "n", "published")]
        for group in self.groups:
            cells = [_cell(group.spread(metric), scale_of(metric)) for metric in self.metrics]
            rows.append(self._row(group.name, cells, str(len(group.runs)), self.published.get(group.name, "")))
        rows = [[escape(cell) for cell in row] for row in rows]
        for group, row in zip(self.groups, rows[1:], strict=True):
            if group is self.best:
                row[1] = bold.format(row[1])
        return rows

    def markdown(self) -> str:
        """The table with the best cell in bold, and below it the best mean compared with the others."""
        return "\n".join(_markdown(self._rows(_plain_cell, "**{}**")) + self.remarks()) + "\n"

    def remarks(self) -> list[str]:
        """The tests behind the bold print, or why there are none."""
        if not self.comparisons:
            return self._notes()
        metric, reasons = self.metrics[0], {str(found) for found in self.comparisons.values()}
        if not any(isinstance(found, Comparison) for found in self.comparisons.values()) and len(reasons) == 1:
            return ["", f"{metric}: no paired test: {reasons.pop()}", *self._notes()]  # a speed, say
        lines = ["", f"{metric}, best mean compared with each other row; paired over examples, seeds averaged:", ""]
        for name, found in self.comparisons.items():
            told = (
                found.describe(share=describe_score(metric).share)
                if isinstance(found, Comparison)
                else f"not tested: {found}"
            )
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
        writer.writerow(self._row("group", head, "n", "published"))
        for group in self.groups:
            values = [each for metric in self.metrics for each in group.spread(metric) or (None, None)]
            values = ["" if each is None else f"{each:.6f}" for each in values]
            row = self._row(group.name, values, str(len(group.runs)), self.published.get(group.name, ""))
            writer.writerow(map(_harmless_cell, row))
        return output.getvalue()

    def latex(self) -> str:
        """A LaTeX table for the package booktabs."""
        head, *rows = (" & ".join(row) + " \\\\" for row in self._rows(_latex_cell, "\\textbf{{{}}}"))
        columns = "l" + "r" * (len(self.metrics) + 1 + bool(self.published))
        lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", head, "\\midrule", *rows]
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def scale_of(metric: str) -> int:
    """The factor by which a score is shown: 100 for shares, else 1."""
    return 100 if describe_score(metric).share else 1


def epoch_table(groups: Sequence[RunGroup], metric: str) -> str:
    """A Markdown table of a score during training: a row for each epoch, a column for each group."""
    scale = scale_of(metric)
    columns = [{epoch: spread for epoch, *spread in group.epochs(metric)} for group in groups]
    rows = [[f"{metric} after epoch", *(group.name for group in groups)]]
    for epoch in sorted(set().union(*columns)):
        rows.append([f"{epoch:g}", *(_cell(column.get(epoch), scale) for column in columns)])
    return "\n".join(_markdown(rows)) + "\n"


def class_table(group: RunGroup, split: str) -> str:
    """A Markdown table of a group's classes and their averages."""
    rows = [[group.name, "precision", "recall", "F1", "support"]]
    for label, scores in group.classes(split).items():
        shares = [_cell(scores[key], 100) for key in ("precision", "recall", "f1")]
        mean, deviation = scores["support"]
        support = f"{mean:,.0f}" if not deviation else f"{mean:,.1f} ± {deviation:,.1f}"
        rows.append([_plain_cell(label), *shares, support])
    return "\n".join(_markdown(rows)) + "\n"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose first row is its head."""
    head, *lines = (f"| {' | '.join(row)} |" for row in rows)
    return [head, "|---" * len(rows[0]) + "|", *lines]


def _cell(spread: Sequence[float | None] | None, scale: int) -> str:
    """Mean and, of several runs, deviation; empty if there is no score."""
    if spread is None:
        return ""
    mean, deviation = spread
    return f"{scale * mean:.2f}" + (f" ± {scale * deviation:.2f}" if deviation is not None else "")


def draw_scores(table: ResultTable) -> bytes:
    """A PNG of the first score of each group: the mean, the deviation over seeds as a whisker, each seed as a dot."""
    import matplotlib  # takes a second

    matplotlib.use("Agg")
    from matplotlib import pyplot

    metric = table.metrics[0]
    scale = scale_of(metric)
    groups = [group for group in table.groups if group.spread(metric)]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.45 * len(groups)), layout="constrained")
    for place, group in enumerate(groups):
        mean, deviation = group.spread(metric)
        whisker = scale * deviation if deviation else None
        axes.errorbar(scale * mean, place, xerr=whisker, fmt="D", color="#c0504d", capsize=4, zorder=3)
        values = [scale * value for value in group.values(metric)]
        axes.plot(values, [place] * len(values), ".", color="#1f3b63", markersize=7, alpha=0.7)
    axes.set_yticks(range(len(groups)), [group.name for group in groups])
    axes.set_xlabel(written_name(metric) + (" × 100" if scale != 1 else ""))
    seen = [scale * value for group in groups for value in group.values(metric)]
    room = 0.1 * (max(seen) - min(seen)) or 1
    axes.set_xlim(min(seen) - room, max(seen) + room)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    output = BytesIO()
    figure.savefig(output, format="png", dpi=150)
    pyplot.close(figure)
    return output.getvalue()


def choose_metrics(groups: Sequence[RunGroup]) -> list[str]:
    """The scores that all groups have, those of the test part if it was scored, in the order of `score_names`."""
    for beginning in ("test", "eval"):
        names = [f"{beginning}_{name}" for name in shown_in("table") if name != "loss"]
        if found := [name for name in names if all(group.values(name) for group in groups)]:
            return found
    return [name for name in ("eval_loss",) if all(group.values(name) for group in groups)]


def _plain_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _latex_cell(text: str) -> str:
    return text.translate(LATEX)


def _harmless_cell(text: str) -> str:
    """A cell that no spreadsheet runs as a formula: what looks like one gets an apostrophe; numbers stay as they are.

    Example:
        >>> _harmless_cell("=1+1"), _harmless_cell("-1"), _harmless_cell("-cmd")
        ("'=1+1", '-1', "'-cmd")
    """
    number = re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text, re.IGNORECASE)
    return f"'{text}" if text[:1] in FORMULA and not number else text
