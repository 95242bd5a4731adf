"""Plain YAML: no tags that build objects, no aliases that expand without end."""

from itertools import accumulate
from typing import Any, ClassVar

import yaml

DEEPEST = 2_000  # open brackets at once; PyYAML looks through all of them at each further one


class PlainLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice, of which the last would count."""

    def construct_mapping(self, node, deep=False):
        """Like PyYAML's, but a key that occurs twice is an error."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (known := (key.tag, key.value)) in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} twice", problem_mark=key.start_mark)
                seen.add(known)
        return super().construct_mapping(node, deep)


class TextLoader(PlainLoader):
    """Reads every value as text (`Yes`, 010, 1e3)."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


def load_yaml(text: str, loader: type = PlainLoader) -> Any:
    """Read a YAML document.

    Args:
        text: the document. An alias (`*name`) is refused: nine lines of them make a value of gigabytes.
        loader: `PlainLoader`, or `TextLoader`.

    Raises:
        yaml.YAMLError: the text is not YAML, or not plain.

    Example:
        >>> load_yaml("head: crf")
        {'head': 'crf'}
    """
    if max(accumulate((character in "[{") - (character in "]}") for character in text), default=0) > DEEPEST:
        raise yaml.YAMLError("values that are nested too deeply")
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                problem = f"an alias, *{event.anchor}: write its value out"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        return yaml.load(text, loader)
    except RecursionError:
        raise yaml.YAMLError("values that are nested too deeply") from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # for `!!float x` or 2001-99-99
        raise yaml.YAMLError(str(error)) from None
