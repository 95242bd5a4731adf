"""The trackers that `--report_to` sends a run's metrics to, and the packages that they need."""

from collections.abc import Sequence
from importlib.util import find_spec

# Name for --report_to -> modules, one of which must be installed, and the package that provides it.
_PACKAGES = {
    "tensorboard": (("tensorboard", "tensorboardX"), "tensorboard"),
    "wandb": (("wandb",), "wandb"),
    "trackio": (("trackio",), "trackio"),
    "swanlab": (("swanlab",), "swanlab"),
    "mlflow": (("mlflow",), "mlflow"),
    "comet_ml": (("comet_ml",), "comet-ml"),
    "clearml": (("clearml",), "clearml"),
    "codecarbon": (("codecarbon",), "codecarbon"),
    "dvclive": (("dvclive",), "dvclive"),
    "neptune": (("neptune",), "neptune"),
    "azure_ml": (("azureml",), "azureml-mlflow"),
    "dagshub": (("dagshub",), "dagshub"),
    "flyte": (("flytekit",), "flytekit"),
    "kubeflow": (("kubeflow",), "kubeflow"),
}


def check_trackers(names: str | Sequence[str] | None) -> None:
    """Check that the trackers of a run are installed.

    Args:
        names: of trackers; `none`, or `all` that are installed.

    Raises:
        ValueError: one is unknown, or its package is missing; with the command that installs it.

    Example:
        >>> check_trackers("none")
    """
    for name in [names] if isinstance(names, str) else names or []:
        if name in ("none", "all"):
            continue
        if name not in _PACKAGES:
            raise ValueError(f"--report_to {name}: expected none, all or some of {', '.join(_PACKAGES)}")
        modules, package = _PACKAGES[name]
        if not any(find_spec(module) for module in modules):
            raise ValueError(f"--report_to {name}: expected the package {package}, found none; pip install {package}")
