"""Overlapping windows over a token sequence that is longer than the encoder can take."""

from typing import NamedTuple


class Window(NamedTuple):
    """Tokens `start` to `stop` of a text, of which it owns `own_start` to `own_stop` (ends exclusive)."""

    start: int
    stop: int
    own_start: int
    own_stop: int


def cut_windows(length: int, *, size: int, stride: int) -> list[Window]:
    """Cut `length` tokens into windows of at most `size` that overlap by `stride` or more.

    Each token is owned by the window where it is furthest from a border that cuts the text. The last window is
    moved back to full size, because context costs nothing.

    Args:
        length: number of tokens; 0 gives one empty window.
        size: tokens per window, special tokens not counted.
        stride: least overlap of neighbours, in tokens.

    Raises:
        ValueError: `stride` is not smaller than `size`.

    Example:
        >>> cut_windows(10, size=6, stride=2)
        [Window(start=0, stop=6, own_start=0, own_stop=5), Window(start=4, stop=10, own_start=5, own_stop=10)]
    """
    if not 0 <= stride < size:
        raise ValueError(f"expected 0 <= stride < window size, found stride {stride} and room for {size} tokens")
    starts = [0]
    while starts[-1] + size < length:
        starts.append(min(starts[-1] + size - stride, length - size))
    stops = [min(start + size, length) for start in starts]
    borders = [0, *((start + stop) // 2 for start, stop in zip(starts[1:], stops[:-1], strict=True)), length]
    return [Window(*window) for window in zip(starts, stops, borders[:-1], borders[1:], strict=True)]


def margin(window: Window, length: int, first: int, last: int) -> float:
    """Distance of tokens `first` to `last` (inclusive) from the nearest border of the window that cuts the text.

    Returns:
        Tokens between the span and that border; infinite if neither border cuts, -1 if the span is not inside the
        window.
    """
    if first < window.start or last >= window.stop:
        return -1.0
    before = first - window.start if window.start else float("inf")
    behind = window.stop - 1 - last if window.stop < length else float("inf")
    return min(before, behind)
