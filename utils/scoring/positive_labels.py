"""Which of two classes is the positive one, whose precision, recall, F1, AUROC and average precision a run reports."""

from collections.abc import Sequence

from ..data.errors import DataError

# Names of positive classes, ignoring case. If exactly one of two classes has such a name, it is the positive one.
_POSITIVE = {
    *("1", "+1", "yes", "y", "true", "t", "positive", "pos", "good", "entailment", "entails", "acceptable"),
    *("duplicate", "paraphrase", "equivalent", "similar", "same", "match", "relevant"),
    *("spam", "toxic", "sarcastic", "ironic", "hate"),
    *("正面", "正向", "积极", "積極", "正", "正例", "好", "好评", "好評", "是", "对", "對", "真", "有"),
    *("蕴含", "蘊含", "相似", "相同", "同义", "匹配", "相关", "相關"),
}


def positive_class(labels: Sequence[str], asked: str | None = None) -> int | None:
    """The id of the positive class of two: the one asked for, else one with a well-known name; None without either.

    Raises:
        DataError: the class that is asked for does not exist, or there are not two classes.

    Example:
        >>> positive_class(["正面", "负面"]), positive_class(["cat", "dog"])
        (0, None)
    """
    if asked is not None:
        if asked not in labels or len(labels) != 2:
            raise DataError(f"--positive_label {asked}: expected one of two classes, found {', '.join(labels)}")
        return list(labels).index(asked)
    known = [i for i, label in enumerate(labels) if label.strip().casefold() in _POSITIVE]
    return known[0] if len(labels) == 2 and len(known) == 1 else None


def describe_positive(labels: Sequence[str], positive: int | None) -> str | None:
    """A sentence that names the class that precision, recall and so on are for; None unless there are two classes.

    Example:
        >>> describe_positive(["0", "1"], 1)
        'precision, recall, F1, AUROC and average precision are for the class 1'
    """
    if len(labels) != 2:
        return None
    if positive is not None:
        return f"precision, recall, F1, AUROC and average precision are for the class {labels[positive]}"
    return (
        f"precision, recall, F1, AUROC and average precision are means over {labels[0]} and {labels[1]}, neither of "
        f"which is known as the positive class; --positive_label {labels[1]} reports them for that class"
    )
