"""The trackers that `--report_to` sends a run's metrics to, and the packages that they need."""

from collections.abc import Sequence
from importlib.util import find_spec

from ..data.errors import ArgumentError

_TRACKERS = (
    *("tensorboard", "wandb", "trackio", "swanlab", "mlflow", "comet_ml", "clearml", "codecarbon", "dvclive"),
    *("neptune", "azure_ml", "dagshub", "flyte", "kubeflow"),
)
# The package that a tracker needs, and its modules, one of which must be there; others are named like their tracker.
_PACKAGES = {"comet_ml": "comet-ml", "azure_ml": "azureml-mlflow", "flyte": "flytekit"}
_MODULES = {"tensorboard": ("tensorboard", "tensorboardX"), "azure_ml": ("azureml",), "flyte": ("flytekit",)}


def check_trackers(names: str | Sequence[str] | None) -> None:
    """Check that the trackers of a run are installed; `none` and `all` (that are installed) need nothing.

    Raises:
        ArgumentError: one is unknown, or its package is missing; with the command that installs it.

    Example:
        >>> check_trackers("none")
    """
    for name in [names] if isinstance(names, str) else names or []:
        if name in ("none", "all"):
            continue
        if name not in _TRACKERS:
            raise ArgumentError(f"--report_to {name}: expected none, all or some of {', '.join(_TRACKERS)}")
        if not any(map(find_spec, _MODULES.get(name, (name,)))):
            package = _PACKAGES.get(name, name)
            raise ArgumentError(
                f"--report_to {name}: expected the package {package}, found none; pip install {package}"
            )
