"""Learning curves: losses and the deciding score by epoch, as numbers, and as a picture where there is no browser."""

from collections.abc import Sequence
from io import BytesIO

from ..scoring.score_names import written_name

POINTS = 300  # of a line at most


def read_curves(history: Sequence[dict], *, metric: str, best_step: int | None = None) -> dict:
    """The curves in a trainer's log.

    Args:
        history: `log_history`.
        metric: name of the score that chooses the best state, without `eval_`; `loss` to plot only the loss.
        best_step: step of the best state.

    Returns:
        `{"unit", "best", "charts": [{"title", "lines": [{"name", "points": [[x, y], ...]}]}]}`, x in epochs, or in
        steps if there are fewer than two epochs; no charts if nothing was logged.
    """
    while_training = []
    for entry in history:
        if "train_runtime" in entry:
            break  # what follows is the evaluation of the best state
        while_training.append(entry)
    unit = "epoch" if max((entry.get("epoch") or 0 for entry in while_training), default=0) >= 1.99 else "step"
    wanted = {"Loss": [("training", "loss"), ("validation", "eval_loss")]}
    if metric != "loss":
        wanted[metric] = [("validation", f"eval_{metric}")]
    charts = []
    for title, lines in wanted.items():
        found = [{"name": name, "points": _points(while_training, key, unit)} for name, key in lines]
        if found := [line for line in found if line["points"]]:
            charts.append({"title": title, "lines": found})
    best = [entry[unit] for entry in while_training if best_step and entry.get("step") == best_step]
    return {"unit": unit, "best": round(best[0], 4) if best else None, "charts": charts}


def has_lines(chart: dict) -> bool:
    """Whether a chart of `read_curves` has a line of two points or more: one point is no curve."""
    return any(len(line["points"]) > 1 for line in chart["lines"])


def draw_curves(curves: dict) -> bytes:
    """A PNG of the curves from `read_curves` that have lines, of which there is one; charts side by side."""
    import matplotlib  # takes a second

    matplotlib.use("Agg")
    from matplotlib import pyplot

    charts = [chart for chart in curves["charts"] if has_lines(chart)]
    figure, panels = pyplot.subplots(
        1, len(charts), figsize=(5 * len(charts), 3.4), layout="constrained", squeeze=False
    )
    for axes, chart in zip(panels[0], charts, strict=True):
        for line, look in zip(chart["lines"], ("o-", "s--"), strict=False):
            marker = look if len(line["points"]) <= 40 else look[1:]
            axes.plot(*zip(*line["points"], strict=True), marker, label=line["name"], markersize=4)
        if curves["best"] is not None:
            axes.axvline(curves["best"], color="gray", linestyle=":", label="best")
        axes.set_title(written_name(chart["title"]))
        axes.set_xlabel(curves["unit"])
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    output = BytesIO()
    figure.savefig(output, format="png", dpi=150)
    pyplot.close(figure)
    return output.getvalue()


def _points(history: Sequence[dict], key: str, unit: str) -> list[list[float]]:
    points = [
        [round(float(entry[unit]), 4), float(entry[key])]
        for entry in history
        if isinstance(entry.get(key), int | float) and abs(entry[key]) < float("inf") and entry.get(unit) is not None
    ]
    step = -(-len(points) // POINTS)  # rounded up
    return points[:: step or 1]
