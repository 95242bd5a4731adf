"""A trained adapter merged into its encoder: a full model, which needs neither peft nor a separate encoder."""

import atexit
import logging
import shutil
import tempfile
from pathlib import Path

from transformers.utils.peft_utils import find_adapter_config_file

from ..data.errors import DataError
from ..modeling.class_pipeline import save_pipeline
from ..modeling.weight_files import require_model, require_safetensors
from .model_kinds import class_of
from .probe_inputs import make_inputs, score_inputs
from .trained_models import load_model, load_own_tokenizer

logger = logging.getLogger(__name__)

TOLERANCE = 1e-3  # of scores, relative to the largest: rounding, as two matrices are added before a product


def start_of(name_or_path: str, *, revision: str = "main", adapter: str = "none") -> str:
    """Where training reads its first weights: the model itself, or, for an adapter, the full model that it makes.

    Args:
        name_or_path: an encoder, a trained model or an adapter; a folder or a Hub id.
        revision: branch, tag or commit on the Hub.
        adapter: method that will be trained on it, `none` for all weights.

    Returns:
        `name_or_path`, or a folder that is removed when the process ends.

    Raises:
        OSError: there is no such model, or its weights are a pickle.
        DataError: an adapter would be trained on an adapter, or the adapter cannot be merged into its encoder.
    """
    require_safetensors(name_or_path, revision=revision)
    if find_adapter_config_file(name_or_path, revision=revision) is None:
        require_model(name_or_path, revision=revision, expected="an encoder's folder")
        return name_or_path
    if adapter != "none":
        raise DataError(
            f"--adapter {adapter}: expected a full model to put it on, found an adapter in {name_or_path}; "
            f"make one with `python predict.py {name_or_path} --merge MODEL`"
        )
    folder = tempfile.mkdtemp(prefix="merged-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    merge_into(folder, name_or_path, revision=revision)
    logger.info("%s: an adapter; training starts from its encoder with the adapter merged into it", name_or_path)
    return folder


def merge_into(folder: str | Path, name_or_path: str, *, revision: str = "main") -> None:
    """Write the full model that an adapter makes, and its tokenizer, and check that it gives the same scores.

    Args:
        folder: an existing folder.
        name_or_path, revision: where the adapter is.

    Raises:
        OSError: there is no such directory, or no base for it.
        DataError: it holds no adapter, or one that cannot be merged, or the merged model gives other scores.
    """
    fields = require_model(name_or_path, revision=revision)
    model_class = class_of(fields)
    if model_class is None or "adapter_base" not in fields:
        architecture = (fields.get("architectures") or ["none"])[0]
        raise DataError(
            f"{name_or_path}: expected an adapter trained with --adapter, found a full model ({architecture})"
        )
    from ..adapters.directories import AdapterError, merge_adapter  # peft takes seconds

    model = load_model(model_class, name_or_path, revision=revision)
    tokenizer = load_own_tokenizer(name_or_path, revision=revision)
    inputs = make_inputs(model, tokenizer, size=(3, 21))
    expected, model_class = score_inputs(model, inputs), type(model)
    try:
        merge_adapter(model).save_pretrained(folder)
        save_pipeline(model, folder)
    except AdapterError as error:
        raise DataError(str(error)) from error
    tokenizer.save_pretrained(folder)
    apart = (score_inputs(load_model(model_class, str(folder)).float().eval(), inputs) - expected).abs().max()
    if not apart <= TOLERANCE * max(1.0, float(expected.abs().max())):
        raise DataError(
            f"{name_or_path}: expected the merged model to give the adapter's scores, found a difference of "
            f"{apart:.1e}; use the adapter as it is"
        )
