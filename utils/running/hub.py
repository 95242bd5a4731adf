"""Push a finished run to the Hugging Face Hub: which files, the checks before training, one commit at the end.

    scripts/push.sh outputs/ner me/ner --dry_run      # what would be uploaded; needs no network

An allow-list decides which files of the output folder are uploaded: model or adapter, tokenizer, our modelling files,
card, record and scores. Nothing else is: no checkpoints, optimizer states, data, predictions, reports with texts, or
ids of rows.
"""

import json
import logging
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)
from huggingface_hub.utils import validate_repo_id

from ..data.private_words import TEXT_OPTIONS, hide_folders, hide_texts
from .model_files import BESIDE_WEIGHTS, WEIGHTS

logger = logging.getLogger(__name__)

PICKLES = re.compile(r".*\.(bin|pt|pth|pkl|pickle|ckpt)")
MOVED = re.compile(rf"{BESIDE_WEIGHTS}|\w+\.py|README\.md|run\.json|all_results\.json")  # in addition to the weights
SECRET = re.compile(r"\bhf_[A-Za-z0-9]{8,}")


class HubError(OSError):
    """The Hub cannot be used, or refused; the message says what to do. Files on disk are unchanged."""


class Upload(NamedTuple):
    """A file to upload: its name, and its path or, if it differs from the file on disk, its bytes."""

    name: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


@dataclass(frozen=True)
class Destination:
    """A repository of the Hub."""

    repo_id: str  # `owner/name`
    token: str | None = None  # None for that of `hf auth login` or HF_TOKEN
    private: bool | None = None  # make it private when it is created; None for the default in the owner's settings
    revision: str | None = None  # branch to write to; created if it does not exist. None for the main one

    @classmethod
    def of(cls, training) -> "Destination | None":
        """The destination of `--push_to_hub` and the `--hub_...` options, checked; None without `--push_to_hub`.

        `push_to_hub` is turned off, so that `Trainer` does not push every checkpoint: a finished run is pushed once.

        Raises:
            HubError: the name or the token is wrong, or the Hub cannot be reached.
        """
        if not training.push_to_hub:
            return None
        training.push_to_hub = False
        if not training.hub_model_id:
            raise HubError("--push_to_hub: expected --hub_model_id owner/name, found none")
        found = cls(training.hub_model_id, training.hub_token, training.hub_private_repo, training.hub_revision)
        found.check()
        return found

    def check(self) -> str:
        """The name of the token's owner; asks the Hub.

        Raises:
            HubError: `repo_id` is malformed, the token is missing, refused or read-only, or the Hub does not answer.
        """
        try:
            validate_repo_id(self.repo_id)
            if self.repo_id.count("/") != 1:
                raise HFValidationError(f"found {self.repo_id!r}")
        except HFValidationError as error:
            reason = str(error).split("\n")[0].rstrip(".")
            raise HubError(f"--hub_model_id: expected owner/name, such as me/ner-crf; {reason}") from None
        try:
            owner = HfApi(token=self.token).whoami()
        except (OSError, HTTPError) as error:
            raise HubError(f"{self.repo_id}: {explain(error)}") from error
        if owner.get("auth", {}).get("accessToken", {}).get("role") == "read":
            raise HubError(
                f"{self.repo_id}: expected a token with write access, found a read-only one; make another in the "
                "Hub's settings and give it as --hub_token, HF_TOKEN or to `hf auth login`"
            )
        return owner["name"]

    def push(self, folder: str | Path, *, overwrite: bool = False) -> str:
        """Push a finished run in one commit, which also removes files of an earlier push that this run lacks.

        Args:
            folder: output directory of a run.
            overwrite: also replace another kind of model, or one with other labels.

        Returns:
            Address of the repository.

        Raises:
            HubError: anything that fails, with the command that tries again. The repository is then unchanged.
        """
        uploads = list_uploads(folder, repo_id=self.repo_id)
        options = (" --private" if self.private else "") + (f" --revision {self.revision}" if self.revision else "")
        token = "HF_TOKEN=... " if self.token else ""
        command = f"{token}bash scripts/push.sh {shlex.quote(str(folder))} {self.repo_id}{options}"
        again = f"the run in {folder} is complete; to try again: {command}"
        try:
            self.check()
        except HubError as error:
            raise HubError(f"{error}; {again}") from error
        api = HfApi(token=self.token)
        try:
            url = api.create_repo(self.repo_id, private=self.private, exist_ok=True)
            if self.revision:
                api.create_branch(self.repo_id, branch=self.revision, exist_ok=True)
            there = api.model_info(self.repo_id, revision=self.revision)
            if self.private and not there.private:
                raise HubError(
                    f"{self.repo_id}: expected a private repository, found a public one; make it private there, or "
                    f"push to another name; the run in {folder} is complete"
                )
            names = {each.rfilename for each in there.siblings or ()}
            if not overwrite and (reason := self._clash(api, uploads, names, there.sha)):
                raise HubError(
                    f"{self.repo_id}: {reason}; push to another name, or replace it (its history stays): "
                    f"{command} --overwrite"
                )
            stale = {name for name in names if is_moved(name)} - {"README.md", *(each.name for each in uploads)}
            operations = [CommitOperationAdd(each.name, each.content) for each in uploads]
            operations += [CommitOperationDelete(name) for name in sorted(stale)]
            message = f"Push {Path(folder).resolve().name}"
            api.create_commit(
                self.repo_id, operations, commit_message=message, revision=self.revision, parent_commit=there.sha
            )
        except HubError:
            raise
        except (OSError, HTTPError, RuntimeError, ValueError) as error:
            raise HubError(f"{self.repo_id}: {explain(error)}; {again}") from error
        logger.info("%s holds the model", url)
        return str(url)

    def _clash(self, api: HfApi, uploads: list[Upload], names: set[str], commit: str | None) -> str | None:
        """Why the repository does not hold an earlier state of this model; None if it may."""
        ours = next((each.content for each in uploads if each.name == "config.json"), None)
        if "config.json" not in names or ours is None:
            return None
        theirs = api.hf_hub_download(self.repo_id, "config.json", revision=commit)
        mine, other = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (ours, theirs))
        for what, read in {"architectures": _architecture, "labels": _labels}.items():
            if read(mine) != read(other):
                return (
                    f"expected {what} as in this run ({_show(read(mine))}), found another model ({_show(read(other))})"
                )
        return None


def _architecture(config: dict) -> list[str]:
    return config.get("architectures") or [str(config.get("model_type"))]


def _labels(config: dict) -> list[str]:
    return sorted(map(str, (config.get("id2label") or {}).values()))


def _show(names: list[str]) -> str:
    return (", ".join(names[:6]) or "none") + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def is_moved(name: str) -> bool:
    """Whether a file of this name in an output folder is uploaded."""
    return bool(WEIGHTS.fullmatch(name) or MOVED.fullmatch(name))


def list_uploads(folder: str | Path, *, repo_id: str) -> list[Upload]:
    """The files of a run to upload, by name; card and record without local paths and secrets.

    Args:
        folder: output directory of a run.
        repo_id: the repository, which the examples in the card load.

    Raises:
        HubError: the folder holds no finished run.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    names = {path.name for path in paths}
    if not any(WEIGHTS.fullmatch(name) for name in names):
        pickles = sorted(name for name in names if PICKLES.fullmatch(name) and name != "training_args.bin")
        found = f"{pickles[0]}, a pickle, which may run code when it is read" if pickles else "none"
        raise HubError(f"{folder}: expected model.safetensors or adapter_model.safetensors of a run, found {found}")
    if not names & {"config.json", "adapter_config.json"}:
        raise HubError(f"{folder}: expected config.json or adapter_config.json next to the weights, found neither")
    uploads = [Upload(path.name, path) for path in paths if is_moved(path.name)]
    written = {"README.md": _publish_card, "run.json": _publish_record}
    for i, (name, path) in enumerate(uploads):
        if name in written:
            text = written[name](path.read_text(encoding="utf-8"), folder, repo_id)
            uploads[i] = Upload(name, SECRET.sub("***", text).encode())
    return uploads


def _publish_card(text: str, folder: Path, repo_id: str) -> str:
    """A card whose examples load the model by its id: `path` in the code, and the folder after `predict.py`."""
    text = re.sub(r'^(\s*path = ").*(")$', rf"\g<1>{repo_id}\g<2>", text, flags=re.MULTILINE)
    return re.sub(r"^(\s*python predict\.py )\S+", rf"\g<1>{repo_id}", text, flags=re.MULTILINE)


def _publish_record(text: str, folder: Path, repo_id: str) -> str:
    """A record of a run without local folders, and without texts from the command line."""
    record = hide_folders(json.loads(text))
    record["argv"] = hide_texts(record.get("argv", []))
    for kind in ("arguments", "options"):
        record[kind] = {key: each for key, each in record.get(kind, {}).items() if key not in TEXT_OPTIONS}
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def explain(error: Exception) -> str:
    """An error of the Hub or its client, in one line."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    status = status or getattr(getattr(error.__cause__, "response", None), "status_code", None)
    if isinstance(error, OfflineModeIsEnabled):
        return "expected the Hub, found HF_HUB_OFFLINE set: unset it to push"
    if isinstance(error, LocalTokenNotFoundError):
        return "expected a token of the Hub, found none: give --hub_token or HF_TOKEN, or `hf auth login`"
    if status in (401, 403):
        return f"the Hub refuses the token ({status}): give another as --hub_token or HF_TOKEN, or `hf auth login`"
    if status == 412:
        return "somebody else pushed in the meantime (412)"
    shown = (isinstance(error, RuntimeError) and error.__cause__) or error  # wrapped while weights are sent
    reason = next((line.strip() for line in str(shown).splitlines() if line.strip()), type(shown).__name__)
    if status:
        return f"the Hub answered {status}: {reason}"
    if isinstance(shown, HTTPError | ConnectionError):
        return f"the Hub at {HfApi().endpoint} does not answer, or stopped in the middle: {reason}"
    return reason


def push(folder: str | Path, destination: Destination | None) -> None:
    """Push a run's folder if there is a destination; see `Destination.push`."""
    if destination:
        destination.push(folder)
