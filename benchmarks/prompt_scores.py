"""Ways to learn from a few examples, beside each other on the same FewCLUE draws: mean ± std over the draws.

    PYTHONPATH=. python benchmarks/prompt_scores.py configs/eprstmt_prompt.yaml --data_dir fewclue/eprstmt \\
        --output_dir outputs/eprstmt
    PYTHONPATH=. python benchmarks/prompt_scores.py configs/tnews_prompt.yaml --data_dir fewclue/tnews \\
        --model_name_or_path hfl/chinese-roberta-wwm-ext --learning_rate 2e-5 --output_dir outputs/tnews

--data_dir holds train_0.json ... train_4.json, dev_0.json ... dev_4.json and test_public.json. What learns does so on
a train file; its dev file chooses the epoch; the test file is scored once. The configuration names template and words.
Finished runs are not run again. Prints a Markdown table of accuracies, leaves scores.json in --output_dir.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import yaml
from seed_runs import ROOT, read_json, run_script, spread
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from utils.data.readers_text import read_classes

METHODS = {
    "majority": "the most frequent class of the train file",
    "TF-IDF + linear SVM": "1-3 characters",
    "fine-tuning": "run_classification.py",
    "zero-shot": "run_prompt.py, nothing learnt",
    "zero-shot, content-free prior": "--calibrate content_free",
    "zero-shot, prior of the batch": "--calibrate batch",
    "prompt tuning": "run_prompt.py, all weights",
    "prompt tuning, words hidden besides": "--mlm_weight 0.5",
    "P-tuning": "{soft:4} before the text, --soft_encoder lstm, all weights",
    "vectors alone": "{soft:4}, --tune soft",
    "vectors of each layer alone": "{soft:4}, --tune soft --soft_layers true",
    "automatic words, zero-shot": "--search words on the train file, --calibrate batch",
    "automatic words, prompt tuning": "the same words, all weights",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="template and words, as run_prompt.py takes them")
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--splits", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--learning_rate", default="3e-4", help="where all weights learn")
    parser.add_argument("--soft_learning_rate", default="1e-2", help="where vectors alone learn")
    parser.add_argument("--num_train_epochs", default="15")
    parser.add_argument("--soft_epochs", default="30", help="where vectors alone learn")
    parser.add_argument("--per_device_train_batch_size", default="8")
    parser.add_argument("--word_tokens", default="1", help="the most tokens of words that are found")
    parser.add_argument("--output_dir", type=Path, required=True)
    args = parser.parse_args()
    args.prompt = yaml.safe_load(Path(args.config).read_text(encoding="utf-8"))

    results = {method: [] for method in args.methods}
    for split in args.splits:
        for method in args.methods:
            results[method].append(score(args, method, split))
            print(f"{time.strftime('%H:%M:%S')} {split} {method} {results[method][-1]:.4f}", file=sys.stderr)
    print("| | accuracy | of each draw | how |\n|---|---|---|---|")
    for method, scores in results.items():
        each = ", ".join(f"{100 * one:.1f}" for one in scores)
        print(f"| {method} | {spread(scores)} | {each} | {METHODS[method]} |")
    record = {name: str(value) for name, value in vars(args).items()} | {"results": results}
    (args.output_dir / "scores.json").write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")


def score(args, method: str, split: int) -> float:
    """Accuracy (0-1) of a way to learn on one draw."""
    train, dev = args.data_dir / f"train_{split}.json", args.data_dir / f"dev_{split}.json"
    test = args.data_dir / "test_public.json"
    if method in ("majority", "TF-IDF + linear SVM"):
        return score_baseline(train, test, counting=method == "majority")
    folder = args.output_dir / f"split-{split}"
    learning = ["--train_file", train, "--validation_file", dev, "--seed", split + 1]
    learning += ["--per_device_train_batch_size", args.per_device_train_batch_size]
    whole = [*learning, "--learning_rate", args.learning_rate, "--num_train_epochs", args.num_train_epochs]
    alone = [*learning, "--learning_rate", args.soft_learning_rate, "--num_train_epochs", args.soft_epochs]
    if method == "fine-tuning":
        return run(args, "run_classification.py", folder / "fine-tuning", [*whole, "--test_file", test])
    template = args.prompt["template"]
    words = ["--verbalizer", json.dumps(args.prompt["verbalizer"], ensure_ascii=False)]
    if method.startswith("automatic words"):
        found = folder / "words.yaml"
        if not found.exists():
            searching = ["--search", "words", "--template", template, "--train_file", train, "--output_file", found]
            searching += ["--word_tokens", args.word_tokens]
            folder.mkdir(parents=True, exist_ok=True)
            run_script("run_prompt.py", "--model_name_or_path", args.model_name_or_path, *searching)
        words = ["--verbalizer", json.dumps(yaml.safe_load(found.read_text(encoding="utf-8"))["verbalizer"])]
    soft = "{soft:4}" + template
    flags = {
        "zero-shot": ["--template", template],
        "zero-shot, content-free prior": ["--template", template, "--calibrate", "content_free"],
        "zero-shot, prior of the batch": ["--template", template, "--calibrate", "batch"],
        "prompt tuning": [*whole, "--template", template],
        "prompt tuning, words hidden besides": [*whole, "--template", template, "--mlm_weight", "0.5"],
        "P-tuning": [*whole, "--template", soft, "--soft_encoder", "lstm"],
        "vectors alone": [*alone, "--template", soft, "--tune", "soft"],
        "vectors of each layer alone": [*alone, "--template", soft, "--tune", "soft", "--soft_layers", "true"],
        "automatic words, zero-shot": ["--template", template, "--calibrate", "batch"],
        "automatic words, prompt tuning": [*whole, "--template", template],
    }[method]
    name = method.replace(",", "").replace(" ", "-")
    return run(args, "run_prompt.py", folder / name, [*flags, *words, "--test_file", test])


def run(args, script: str, folder: Path, flags: list) -> float:
    """Test accuracy (0-1) of a run; what is done is read, not done again."""
    if not (folder / "all_results.json").exists():
        given = ["--model_name_or_path", args.model_name_or_path, "--output_dir", folder]
        run_script(script, *given, "--overwrite_output_dir", "true", *flags)
    return read_json(folder / "all_results.json")["test_accuracy"]


def score_baseline(train: Path, test: Path, *, counting: bool) -> float:
    """Accuracy (0-1) of the most frequent class, or of TF-IDF n-grams and a linear SVM."""
    known, asked = read_classes(train), read_classes(test)
    if counting:
        predicted = [Counter(known["label"][:]).most_common(1)[0][0]] * len(asked)
    else:
        model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC())
        predicted = model.fit(known["text"][:], known["label"][:]).predict(asked["text"][:])
    return sum(one == other for one, other in zip(predicted, asked["label"][:], strict=True)) / len(asked)


if __name__ == "__main__":
    main()
