"""Small line charts: positions of lines, ticks and words; `templates/svg_charts.html.jinja` draws them as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .curves import has_lines


def nice_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """About `count` round numbers that span a range.

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


@dataclass
class LineChart:
    """A figure with lines, a legend, and the numbers as a table below.

    Args:
        title: what it shows.
        lines: three at most, `{"name", "points": [[x, y], ...]}`; `more` names further numbers of each point.
        x_name, y_name: names of the axes.
        mark: the x of the best state, marked by a line.
        square: both axes run from 0 to 1, and the diagonal is drawn.

    Attributes:
        width, height: of the drawing, in its own units.
        left, right, top, bottom: where the axes end.
        x_ticks, y_ticks: numbers along the axes.
    """

    title: str
    lines: Sequence[dict]
    x_name: str
    y_name: str
    mark: float | None = None
    square: bool = False

    width, height = 420, 250
    left, right, top, bottom = 46, 408, 12, 214
    looks = ("one", "two", "three")  # classes of the style sheet: colour and dashes

    def __post_init__(self):
        self.x_ticks = self.y_ticks = [0, 0.25, 0.5, 0.75, 1]
        if not self.square:
            xs, ys = ([point[k] for line in self.lines for point in line["points"]] for k in (0, 1))
            self.x_ticks, self.y_ticks = nice_ticks(min(xs), max(xs)), nice_ticks(min(ys), max(ys))
            first, last = self.x_ticks[0], self.x_ticks[-1]
            if last - first >= 2:  # epochs and steps are integers
                whole = (tick for tick in self.x_ticks if tick == int(tick))
                self.x_ticks = sorted({math.floor(first), math.ceil(last), *whole})

    @property
    def is_line(self) -> bool:
        """Whether there is a line to draw: one point alone is told as a number."""
        return has_lines({"lines": self.lines})

    def across(self, x: float) -> float:
        """Horizontal position of an x in the drawing."""
        first, last = self.x_ticks[0], self.x_ticks[-1]
        return round(self.left + (x - first) / (last - first) * (self.right - self.left), 1)

    def down(self, y: float) -> float:
        """Vertical position of a y in the drawing."""
        first, last = self.y_ticks[0], self.y_ticks[-1]
        return round(self.bottom - (y - first) / (last - first) * (self.bottom - self.top), 1)

    def describe(self) -> str:
        """The lines in words, for screen readers."""
        told = []
        for line in self.lines:
            values = [point[1] for point in line["points"]]
            ends = f"from {values[0]:.4g} to {values[-1]:.4g}, highest {max(values):.4g}"
            told.append(f"{line['name']}, {self.y_name} {ends}")
        return "; ".join(told)
