"""A finished run goes to the Hub whole, or not at all; the run itself is never touched."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hub.local_hub import USER
from utils.running.hub import Destination, HubError, list_uploads

ROOT = Path(__file__).resolve().parents[2]
NAME = f"{USER}/ner"
BARE = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}  # environment variables, no others
PUBLIC = {
    *("README.md", "all_results.json", "config.json", "crf_tagger.py", "model.safetensors", "run.json"),
    *("tokenizer.json", "tokenizer_config.json"),
}


def fingerprint(folder):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_only_what_others_need_goes_up(hub, run_folder):
    before = fingerprint(run_folder)
    Destination(NAME).push(run_folder)
    assert set(hub.repositories[NAME].files) == PUBLIC | {".gitattributes"}
    assert hub.repositories[NAME].files["model.safetensors"] == (run_folder / "model.safetensors").read_bytes()
    assert any(line.startswith("PUT /lfs/") for line in hub.requests)
    assert any(line.endswith("/verify") for line in hub.requests)
    assert fingerprint(run_folder) == before


def test_card_and_record_lose_folders_and_secrets_of_this_machine(hub, run_folder):
    Destination(NAME).push(run_folder)
    files = hub.repositories[NAME].files
    card, record = files["README.md"].decode(), json.loads(files["run.json"])
    assert f'    path = "{NAME}"\n    python predict.py {NAME} --interactive' in card
    assert "hf_" not in card
    assert "/home" not in json.dumps(record)
    assert "张伟" not in json.dumps(record, ensure_ascii=False)
    assert record["argv"] == ["run_ner.py", "--train_file", "train.json", "--output_dir=ner"]
    assert record["arguments"] == {"train_file": "train.json", "model_name_or_path": "pretrained/bert-mini-zh"}


def test_second_push_is_a_commit_on_top_that_removes_what_is_no_more(hub, run_folder):
    (run_folder / "vocab.txt").write_text("a")
    Destination(NAME).push(run_folder)
    (run_folder / "vocab.txt").unlink()
    hub.repositories[NAME].files["notes.md"] = b"written on the Hub"
    Destination(NAME).push(run_folder)
    assert set(hub.repositories[NAME].files) == PUBLIC | {".gitattributes", "notes.md"}
    assert len(hub.repositories[NAME].commits) == 3


def test_private_and_branch_are_as_asked(hub, run_folder):
    Destination(NAME, private=True, revision="second").push(run_folder)
    found = hub.repositories[NAME]
    assert found.private
    assert "model.safetensors" not in found.files
    assert "model.safetensors" in found.commits[found.branches["second"]]


def test_private_wish_is_not_met_by_a_public_repository(hub, run_folder):
    Destination(NAME).push(run_folder)
    commits = len(hub.repositories[NAME].commits)
    with pytest.raises(HubError, match="expected a private repository, found a public one"):
        Destination(NAME, private=True).push(run_folder)
    assert len(hub.repositories[NAME].commits) == commits


def test_token_of_the_command_line_is_asked_for_and_never_shown(hub, run_folder):
    hub.failing["/commit/"] = 403
    with pytest.raises(HubError, match=r"to try again: HF_TOKEN=\.\.\. bash") as caught:
        Destination(NAME, token=hub.token).push(run_folder)
    assert hub.token not in str(caught.value)


def test_card_on_the_hub_stays_where_the_run_has_none(hub, run_folder):
    Destination(NAME).push(run_folder)
    (run_folder / "README.md").unlink()
    Destination(NAME).push(run_folder)
    assert "README.md" in hub.repositories[NAME].files


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id2label": {"0": "O", "1": "B-place"}}, "labels"),
        ({"architectures": ["SpanTagger"]}, "architectures"),
    ],
)
def test_another_model_in_the_repository_is_not_replaced_unasked(hub, run_folder, change, told):
    Destination(NAME).push(run_folder)
    there = dict(hub.repositories[NAME].files)
    config = json.loads((run_folder / "config.json").read_text())
    (run_folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(HubError, match=rf"{told}.*\n?.*--overwrite"):
        Destination(NAME).push(run_folder)
    assert hub.repositories[NAME].files == there
    Destination(NAME).push(run_folder, overwrite=True)
    assert json.loads(hub.repositories[NAME].files["config.json"]) == config | change


@pytest.mark.parametrize(
    ("place", "failure", "told"),
    [
        (r"PUT /lfs/", None, "does not answer, or stopped in the middle"),
        (r"/commit/", None, "does not answer, or stopped in the middle"),
        (r"/commit/", 403, r"refuses the token \(403\)"),
        (r"/commit/", 412, "somebody else pushed"),
        (r"/preupload/", 500, "answered 500"),
    ],
)
def test_failure_in_the_middle_leaves_both_sides_whole_and_the_next_try_succeeds(
    hub, run_folder, place, failure, told
):
    before = fingerprint(run_folder)
    hub.failing[place] = failure
    with pytest.raises(HubError, match=f"{told}.*bash scripts/push.sh {run_folder} {NAME}") as caught:
        Destination(NAME).push(run_folder)
    assert "\n" not in str(caught.value)
    assert set(hub.repositories[NAME].files) == {".gitattributes"}
    assert fingerprint(run_folder) == before
    hub.failing.clear()
    Destination(NAME).push(run_folder)
    assert set(hub.repositories[NAME].files) > PUBLIC


def test_hub_that_is_gone_after_training_leaves_the_run_and_a_command_that_tries_again(hub, run_folder):
    before = fingerprint(run_folder)
    hub.failing["whoami"] = None
    told = f"does not answer, or stopped.*is complete; to try again: bash scripts/push.sh {run_folder} {NAME}"
    with pytest.raises(HubError, match=told):
        Destination(NAME).push(run_folder)
    assert fingerprint(run_folder) == before
    hub.failing.clear()
    Destination(NAME).push(run_folder)
    assert set(hub.repositories[NAME].files) > PUBLIC


def test_push_between_ours_is_noticed(hub, run_folder, monkeypatch):
    Destination(NAME).push(run_folder)
    repository = hub.repositories[NAME]
    answer = hub.preupload

    def preupload(body, **given):
        repository.save("main", repository.files | {"README.md": b"theirs"})
        return answer(body, **given)

    monkeypatch.setattr(hub, "preupload", preupload)
    with pytest.raises(HubError, match="somebody else pushed in the meantime"):
        Destination(NAME).push(run_folder)
    assert repository.files["README.md"] == b"theirs"


def asked(**options):
    named = {"hub_model_id": NAME, "hub_token": None, "hub_private_repo": None, "hub_revision": None}
    return SimpleNamespace(push_to_hub=True, **(named | options))


def test_trainer_is_kept_from_pushing_every_checkpoint(hub):
    training = asked(hub_private_repo=True)
    assert Destination.of(training) == Destination(NAME, private=True)
    assert training.push_to_hub is False
    assert Destination.of(training) is None
    assert hub.requests == ["GET /api/whoami-v2"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"hub_model_id": None}, "--hub_model_id owner/name, found none"),
        ({"hub_model_id": "ner"}, "expected owner/name"),
        ({"hub_model_id": "me/a b"}, "expected owner/name"),
        ({"hub_model_id": "me/a/b"}, "expected owner/name"),
        ({"hub_token": "hf_wrong"}, r"refuses the token \(401\): give another"),
    ],
)
def test_what_would_fail_after_training_fails_before(hub, options, told):
    with pytest.raises(HubError, match=told):
        Destination.of(asked(**options))


def test_token_for_reading_and_a_missing_token_are_refused_before_training(hub, monkeypatch):
    hub.role = "read"
    with pytest.raises(HubError, match="expected a token with write access, found a read-only one"):
        Destination.of(asked())
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="expected a token of the Hub, found none"):
        Destination.of(asked())


def test_nobody_at_the_other_end_is_told_before_training(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"the Hub at http://127\.0\.0\.1:9 does not answer"):
        Destination.of(asked())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        Destination.of(asked())


def test_folder_without_safe_weights_is_refused(run_folder):
    (run_folder / "model.safetensors").unlink()
    with pytest.raises(
        HubError, match=r"expected model\.safetensors or adapter_model\.safetensors of a run, found op"
    ):
        list_uploads(run_folder, repo_id=NAME)
    (run_folder / "optimizer.pt").unlink()
    with pytest.raises(HubError, match="of a run, found none"):
        list_uploads(run_folder, repo_id=NAME)


def test_adapter_goes_up_as_it_stands(hub, run_folder):
    (run_folder / "model.safetensors").rename(run_folder / "adapter_model.safetensors")
    (run_folder / "config.json").rename(run_folder / "adapter_config.json")
    Destination(NAME).push(run_folder)
    assert {"adapter_model.safetensors", "adapter_config.json"} < set(hub.repositories[NAME].files)


def test_refused_push_is_one_line_and_status_2(hub, run_folder):
    command = ["bash", str(ROOT / "scripts" / "push.sh"), str(run_folder), NAME]
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_wrong", "HF_HOME": str(run_folder)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=run_folder, env=BARE | settings)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {NAME}: the Hub refuses the token (401): give another")


def test_dry_run_lists_files_and_sizes_without_network(run_folder):
    command = ["bash", str(ROOT / "scripts" / "push.sh"), str(run_folder), NAME, "--dry_run"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=run_folder, env=BARE)
    assert done.returncode == 0, done.stderr
    *lines, total = done.stdout.splitlines()
    listed = {line.split()[1]: int(line.split()[0].replace(",", "")) for line in lines}
    assert set(listed) == PUBLIC
    assert listed["model.safetensors"] == (run_folder / "model.safetensors").stat().st_size
    assert total.split() == [f"{sum(listed.values()):,}", *f"bytes in {len(listed)} files would go to {NAME}".split()]
