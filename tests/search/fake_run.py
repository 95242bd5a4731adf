"""Stands in for a training script in tests of searches: takes and leaves what a script does, in a tenth of a second.

Its score rises with `x`, is higher for `head: b`, and lower after early epochs.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import yaml

KNOWN = {"x", "y", "head", "num_train_epochs", "seed", "output_dir", "metric_for_best_model"}
KNOWN |= {"train_file", "validation_file", "test_file", "validation_share"}
KNOWN |= {"save_strategy"}
KNOWN |= {"ending", "bad_seed", "hold", "strike"}  # what goes wrong
FINAL_LOSS = 0.1  # of score, on files that the trials have not seen


def main(config_file, *flags):
    config = yaml.safe_load(Path(config_file).read_text(encoding="utf-8"))
    check(config, config_file)
    if "--check_options" in flags:
        return
    folder = Path(config["output_dir"])
    note(config, run=folder.name, seed=config.get("seed"), resumed=bool(flags))
    done = sorted(int(path.name.partition("-")[2]) for path in folder.glob("checkpoint-*"))
    epochs = int(config.get("num_train_epochs", 2))
    scores = [score_of(config, epoch) for epoch in range(1, epochs + 1)]
    for epoch in range(max(done, default=0) + 1, epochs + 1):
        end_badly(config, epoch)
        note(config, run=folder.name, epoch=epoch)
        if config.get("save_strategy") == "no":
            continue
        place = folder / f".unfinished-{epoch}"
        place.mkdir(exist_ok=True)
        (place / "model.safetensors").write_bytes(bytes(100))
        write_state(place, scores[:epoch], epochs)
        place.rename(folder / f"checkpoint-{epoch}")
        strike(config)
        wait_while_held(config)
    results = {"eval_f1": max(scores), "eval_accuracy": max(scores) / 2, "eval_loss": 1 - max(scores)}
    if config.get("test_file"):
        results["test_f1"] = max(scores) / 2
    (folder / "model.safetensors").write_bytes(bytes(100))
    write_state(folder, scores, epochs)
    (folder / "all_results.json").write_text(json.dumps(results))
    (folder / "run.json").write_text(json.dumps({"results": results, "arguments": config, "argv": sys.argv}))


def note(config, **facts):
    """Add a line to the journal beside the training file."""
    with open(Path(config["train_file"]).with_name("journal.jsonl"), "a", encoding="utf-8") as journal:
        journal.write(json.dumps(facts) + "\n")


def check(config, config_file):
    for name in config:
        if name not in KNOWN:
            stop(f"{config_file}: unknown option --{name}; did you mean --{min(KNOWN)}?")
    if float(config.get("x", 0)) > 1:
        stop(f"--x {config['x']}: expected a number from 0 to 1")
    if "y" in config and config.get("head") != "b":
        stop(f"--y does nothing with --head {config.get('head')}; leave it out, or use --head b")


def score_of(config, epoch):
    score = 0.4 * float(config.get("x", 0.5)) + 0.2 * (config.get("head") == "b") - 0.05 / epoch + 0.3
    if config.get("validation_file"):
        score -= FINAL_LOSS + 0.001 * (int(config["seed"]) % 7)
    return float("nan") if config.get("ending") == "nan" else score


def end_badly(config, epoch):
    if config.get("ending") == "error" and epoch == 2:
        stop('step 3: the loss is nan; its rows (1): "7"')
    if config.get("ending") == "killed" and epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if config.get("bad_seed") and config["bad_seed"] == config.get("seed"):
        stop("not with this seed")


def strike(config):
    """Send the search a signal, in the first run that comes to this, and wait for what happens."""
    mark = Path(config["train_file"]).with_name("struck")
    when, _, name = config.get("strike", "").rpartition(" ")  # "final SIGTERM": only in a run that is none of a trial
    if name and not mark.exists() and (config.get("validation_file") or not when):
        mark.touch()
        os.kill(os.getppid(), signal.Signals[name])
        signal.pause()


def wait_while_held(config):
    while config.get("hold") and Path(config["hold"]).exists():
        time.sleep(0.01)


def write_state(folder, scores, epochs):
    history = [{"epoch": epoch, "eval_f1": score, "eval_accuracy": score / 2} for epoch, score in enumerate(scores, 1)]
    state = {"global_step": len(scores), "max_steps": epochs, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))


def stop(message):
    print("Some line before", file=sys.stderr)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
