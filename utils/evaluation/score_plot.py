"""A picture of a results table: a bar a group, the deviation over seeds as a whisker, each seed as a dot."""

from io import BytesIO

from .result_table import LOWER_IS_BETTER, ResultTable


def draw_scores(table: ResultTable) -> bytes:
    """PNG of the first score of each group."""
    import matplotlib  # takes a second

    matplotlib.use("Agg")
    from matplotlib import pyplot

    metric = table.metrics[0]
    scale = 1 if metric.endswith(LOWER_IS_BETTER) else 100
    groups = [group for group in table.groups if group.spread(metric)]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.45 * len(groups)), layout="constrained")
    for place, group in enumerate(groups):
        mean, deviation = group.spread(metric)
        axes.barh(place, scale * mean, xerr=scale * deviation if deviation else None, color="#9db8d9", capsize=4)
        values = [scale * value for value in group.values(metric)]
        axes.plot(values, [place] * len(values), ".", color="#1f3b63", markersize=6)
    axes.set_yticks(range(len(groups)), [group.name for group in groups])
    axes.invert_yaxis()
    axes.set_xlabel(metric if scale == 1 else f"{metric} (x 100)")
    seen = [scale * value for group in groups for value in group.values(metric)]
    room = 0.15 * (max(seen) - min(seen)) or 1
    axes.set_xlim(max(min(seen) - 3 * room, 0), max(seen) + room)  # cut, so that small differences show
    axes.spines[["top", "right"]].set_visible(False)
    output = BytesIO()
    figure.savefig(output, format="png", dpi=150)
    pyplot.close(figure)
    return output.getvalue()
