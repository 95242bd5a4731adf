"""Durations as people say them."""


def describe_duration(seconds: float) -> str:
    """A duration in seconds, minutes or hours.

    Example:
        >>> describe_duration(75.2), describe_duration(7380)
        ('1 min 15 s', '2 h 3 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.0f} s"
