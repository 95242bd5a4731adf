"""Templates of pages and cards: values are shown as they are and never interpreted as a template."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .marked_text import mark_steps, plain, plain_markdown, runs, shorten


def _finalize(value: Any) -> Any:
    """Make invisible characters of a text visible on the page; what templates made is left alone."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _environment(**options: Any) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    made.filters |= {"digits": format}  # {{ 0.5 | digits(".3f") }}
    return made


PAGES = _environment(autoescape=True, finalize=_finalize)  # HTML
PAGES.filters |= {"mark_steps": mark_steps, "runs": runs, "shorten": shorten}
CARDS = _environment(autoescape=False)  # Markdown; labels go through a filter
CARDS.filters |= {"markdown": plain_markdown}
