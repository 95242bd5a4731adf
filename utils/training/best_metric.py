"""The score that chooses the best checkpoint: one that the run computes, and whether higher or lower is better."""

from collections.abc import Callable

from transformers import EvalPrediction

from ..data.errors import ArgumentError, TrainingError
from ..options.fine_tuning_arguments import FineTuningArguments
from ..scoring.score_names import describe_score


def settle_best_metric(args: FineTuningArguments, compute: Callable | None) -> Callable | None:
    """Check `--metric_for_best_model`, and derive `greater_is_better` from it.

    Args:
        args: `greater_is_better` is set, and also the metric if the user chose none and the run lacks our default.
        compute: scores validation data; its attribute `scores`, if it has one, names the scores.

    Returns:
        `compute`; it raises a TrainingError if the score is missing, such as AUROC if all texts are of one class.

    Raises:
        ArgumentError: the run does not compute that score, or `--greater_is_better` contradicts it.
    """
    if compute is None or args.metric_for_best_model is None:
        return compute
    metric = args.metric_for_best_model.removeprefix("eval_")
    known = ("loss", *getattr(compute, "scores", (metric,)))
    if metric not in known and "metric_for_best_model" not in args.given:  # our default is for classes and entities
        metric = args.metric_for_best_model = known[1]
    if metric not in known:
        raise ArgumentError(
            f"--metric_for_best_model {args.metric_for_best_model}: expected one of {', '.join(known)}"
        )
    greater = not describe_score(metric).lower_is_better
    if "greater_is_better" in args.given and args.greater_is_better != greater:
        better = "greater" if greater else "smaller"
        raise ArgumentError(f"--greater_is_better: {metric} is better when it is {better}; leave the option out")
    args.greater_is_better = greater

    def compute_checked(prediction: EvalPrediction) -> dict[str, float]:
        scores = compute(prediction)
        if metric not in scores and metric != "loss":
            raise TrainingError(
                f"--metric_for_best_model {metric}: cannot be computed on the validation data, found "
                f"{', '.join(scores)}; choose one of these"
            )
        return scores

    return compute_checked
