"""Small line charts as SVG, with a title, a description and a table of the numbers for those who do not see them."""

import math
from collections.abc import Sequence

from .marked_text import plain

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 36
LOOKS = ("one", "two", "three")  # classes of the style sheet: colour and dashes


def nice_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Round numbers that span a range, about so many.

    Example:
        >>> nice_ticks(0.13, 0.58)
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    """
    if high <= low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * factor for factor in (1, 2, 5, 10)), key=lambda each: abs(each - rough))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def line_chart(
    title: str,
    lines: Sequence[dict],
    *,
    x_name: str,
    y_name: str,
    mark: float | None = None,
    square: bool = False,
) -> str:
    """A figure with lines, a legend, and the numbers as a table below.

    Args:
        title: what it shows.
        lines: `{"name", "points": [[x, y], ...]}`, three at most; `more` names further numbers of each point.
        x_name, y_name: of the axes.
        mark: an x to draw a line at, the best.
        square: both axes from 0 to 1, with the diagonal.
    """
    xs, ys = ([point[k] for line in lines for point in line["points"]] for k in (0, 1))
    x_ticks, y_ticks = (
        ([0, 0.25, 0.5, 0.75, 1],) * 2 if square else (nice_ticks(min(xs), max(xs)), nice_ticks(min(ys), max(ys)))
    )
    if not square and x_ticks[-1] - x_ticks[0] >= 2:  # epochs and steps are whole
        x_ticks = sorted({math.floor(x_ticks[0]), math.ceil(x_ticks[-1]), *(t for t in x_ticks if t == int(t))})

    def across(x):
        return round(LEFT + (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (WIDTH - LEFT - RIGHT), 1)

    def down(y):
        return round(HEIGHT - BOTTOM - (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (HEIGHT - TOP - BOTTOM), 1)

    parts = []
    for tick in y_ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(tick)}" y2="{down(tick)}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        parts.append(f'<text x="{across(tick)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{plain(x_name)}</text>'
    )
    if square:
        ends = f'x1="{across(0)}" y1="{down(0)}" x2="{across(1)}" y2="{down(1)}"'
        parts.append(f'<line class="guide" {ends}/>')
    if mark is not None:
        parts.append(
            f'<line class="guide" x1="{across(mark)}" x2="{across(mark)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        )
        anchor = "end" if across(mark) > WIDTH / 2 else "start"
        parts.append(
            f'<text x="{across(mark) + (-5 if anchor == "end" else 5)}" y="{TOP + 10}" '
            f'text-anchor="{anchor}">best</text>'
        )
    for line, look in zip(lines, LOOKS, strict=False):
        places = [(across(x), down(y)) for x, y, *_ in line["points"]]
        parts.append(f'<polyline class="line {look}" points="{" ".join(f"{x},{y}" for x, y in places)}"/>')
        if len(places) <= 40:
            parts += [f'<circle class="dot {look}" cx="{x}" cy="{y}" r="3"/>' for x, y in places]
    ranges = "; ".join(_describe(line, y_name) for line in lines)
    keys = "".join(
        f'<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><line class="line {look}" x1="0" x2="24" y1="4" '
        f'y2="4"/></svg>{plain(line["name"])}</li>'
        for line, look in zip(lines, LOOKS, strict=False)
    )
    return (
        f"<figure><figcaption>{plain(title)}</figcaption>"
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{plain(title)}: {plain(ranges)}">'
        f'{"".join(parts)}</svg><ul class="keys">{keys}</ul>{_table(title, lines, x_name, y_name)}</figure>'
    )


def bar(share: float) -> str:
    """A bar beside its number, which says the same: 0-1."""
    width = round(100 * min(max(share, 0.0), 1.0), 1)
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="room" width="100" height="8"/><rect class="full" width="{width}" height="8"/></svg>'
    )


def _describe(line: dict, y_name: str) -> str:
    values = [point[1] for point in line["points"]]
    return f"{line['name']}, {y_name} {values[0]:.4g} at first, {values[-1]:.4g} at last, highest {max(values):.4g}"


def _table(title: str, lines: Sequence[dict], x_name: str, y_name: str) -> str:
    columns = ["line", x_name, y_name, *lines[0].get("more", ())]
    head = "".join(f'<th scope="col">{plain(name)}</th>' for name in columns)
    rows = "".join(
        f'<tr><th scope="row">{plain(line["name"])}</th>'
        + "".join(f"<td>{value:.4g}</td>" if isinstance(value, float) else f"<td>{value:,}</td>" for value in point)
        + "</tr>"
        for line in lines
        for point in line["points"]
    )
    return (
        f'<details><summary>Numbers</summary><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Numbers: {plain(title)}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div></details>"
    )
