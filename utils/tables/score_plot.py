"""A picture of a results table: for each group the mean, the deviation over seeds as a whisker, each seed as a dot."""

from io import BytesIO

from .result_table import ResultTable, scale_of


def draw_scores(table: ResultTable) -> bytes:
    """A PNG of the first score of each group."""
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
    axes.set_xlabel(metric if scale == 1 else f"{metric} (x 100)")
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
