"""report.py on runs that are written here: groups, tables, tests, pairs."""

import csv
import json
import random
import re

import pytest
import yaml
from datasets import Dataset

import report
from utils.data.errors import ArgumentError, DataError
from utils.scoring.example_counts import count_classes, count_entities
from utils.tables import result_table, run_groups
from utils.tables.paired_examples import examples_of


def write_run(
    folder, seed, *, share=0.8, head="crf", counts=True, examples=300, own_data=False, texts=None, **arguments
):
    """A run whose answers are right with a probability."""
    folder.mkdir(parents=True)
    draw = random.Random(f"{seed} {share}")
    gold = [[{"start": 0, "end": 1, "label": "X"}] for _ in range(examples)]
    found = [[{"start": 0, "end": 1 if draw.random() < share else 2, "label": "X", "text": "甲"}] for _ in gold]
    ids = [f"{seed}-{i}" if own_data else str(i) for i in range(examples)]
    right = sum(one == [{**two[0], "text": "甲"}] for one, two in zip(found, gold, strict=True))
    results = {"eval_f1": right / examples, "eval_loss": 1 - share, "eval_runtime": 3.0}
    resolved = {"seed": seed, "output_dir": str(folder), "head": head, "model_name_or_path": "some/where/bert-mini"}
    resolved |= {"train_file": f"split-{seed}/train.json"} | arguments
    record = {"argv": ["/some/where/run_ner.py"], "arguments": resolved, "results": results, "seed": seed}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "all_results.json").write_text(json.dumps(results), encoding="utf-8")
    lines = [{"id": id, "text": "甲乙", "entities": one} for id, one in zip(ids, found, strict=True)]
    written = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "predictions.jsonl").write_text(written, encoding="utf-8")
    if counts:
        rows = Dataset.from_dict({"id": ids, "text": texts or ["甲乙"] * examples, "entities": gold})
        split = {"validation": count_entities(rows, found)}
        (folder / "example_counts.json").write_text(json.dumps(split), encoding="utf-8")
    return results["eval_f1"]


@pytest.fixture
def runs(tmp_path):
    for seed in (1, 2, 3):
        write_run(tmp_path / f"crf-{seed}", seed, share=0.9)
        write_run(tmp_path / f"softmax-{seed}", seed, share=0.6, head="softmax")
    return tmp_path


def test_runs_that_differ_by_their_seed_are_one_row(runs, tmp_path, capsys):
    report.main([str(runs), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "| run | eval_f1 | n |" in out
    values = [json.loads((runs / f"crf-{seed}" / "all_results.json").read_text())["eval_f1"] for seed in (1, 2, 3)]
    mean = 100 * sum(values) / 3
    assert f"| crf | **{mean:.2f} ± " in out and "| 3 |" in out
    assert "- softmax: +" in out and "p < 0.001" in out
    files = {path.name for path in (tmp_path / "report").iterdir()}
    assert files == {"table.md", "table.csv", "table.tex", "table.png"}
    assert (tmp_path / "report" / "table.md").read_text(encoding="utf-8") == out
    rows = list(csv.DictReader((tmp_path / "report" / "table.csv").open(encoding="utf-8")))
    assert [row["group"] for row in rows] == ["crf", "softmax"]
    assert float(rows[0]["eval_f1"]) == pytest.approx(sum(values) / 3, abs=1e-6)
    latex = (tmp_path / "report" / "table.tex").read_text(encoding="utf-8")
    assert "eval\\_f1" in latex and "\\textbf{" in latex and "$\\pm$" in latex
    assert (tmp_path / "report" / "table.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_bold_where_chance_may_have_done_it(tmp_path, capsys):
    write_run(tmp_path / "one", 1, share=0.8)
    write_run(tmp_path / "two", 1, share=0.8001, head="span")
    report.main([str(tmp_path), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "**" not in out and "p = " in out


def test_nothing_is_bold_without_counts_and_the_table_says_so(tmp_path, capsys):
    write_run(tmp_path / "one", 1, share=0.9)
    write_run(tmp_path / "two", 1, share=0.5, head="span", counts=False)
    report.main([str(tmp_path), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "**" not in out and "- span" not in out
    assert "eval_f1: no paired test: no counts of each example for eval_f1 in " in out
    write_run(tmp_path / "three", 1, share=0.6, head="softmax")
    report.main([*(str(tmp_path / name) for name in ("one", "two", "three")), "--output_dir", str(tmp_path / "again")])
    out = capsys.readouterr().out
    assert "- span: not tested: no counts of each example for eval_f1 in " in out


def test_counts_that_do_not_add_up_to_the_score_decide_nothing(tmp_path, capsys):
    for name, share in (("one", 0.9), ("two", 0.5)):
        write_run(tmp_path / name, 1, share=share, head=name)
    results = json.loads((tmp_path / "one" / "all_results.json").read_text()) | {"eval_f1": 0.99}
    (tmp_path / "one" / "all_results.json").write_text(json.dumps(results))
    report.main([str(tmp_path), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "**" not in out and "eval_f1: no paired test" in out


def test_seeds_with_splits_of_their_own_stand_one_after_the_other(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path / f"a-{seed}", seed, own_data=True, examples=50)
    (group,) = run_groups.group_runs(run_groups.read_runs([tmp_path]))
    found = examples_of(group, "eval_f1")
    assert len(found.ids) == len(found.counts) == 100 and len(set(found.ids)) == 100
    assert float(found.metric(found.counts.sum(0))) == pytest.approx(sum(group.values("eval_f1")) / 2)


def test_published_numbers_stand_beside_ours(runs, tmp_path, capsys):
    (tmp_path / "published.yaml").write_text(yaml.safe_dump({"crf": "80.1 (somebody, 2021)"}), encoding="utf-8")
    flags = ["--published", str(tmp_path / "published.yaml"), "--output_dir", str(tmp_path / "report")]
    report.main([str(runs), *flags])
    assert "| 80.1 (somebody, 2021) |" in capsys.readouterr().out


def test_names_tell_what_differs(tmp_path):
    write_run(tmp_path / "a", 1, adapter="lora", learning_rate=1e-3)
    write_run(tmp_path / "b", 1, adapter="none", learning_rate=1e-3)
    names = [group.name for group in run_groups.group_runs(run_groups.read_runs([tmp_path]))]
    assert names == ["adapter=lora", "adapter=none"]


def test_rows_that_differ_in_many_settings_are_named_after_their_folders(tmp_path):
    more = {"lora_rank": 16, "lora_layers": "all", "num_train_epochs": 5.0, "warmup_steps": 0.1}
    write_run(tmp_path / "whole", 1)
    for seed in (1, 2):
        write_run(tmp_path / "small" / f"seed-{seed}", seed, adapter="lora", **more)
    write_run(tmp_path / "other", 1, adapter="bottleneck", learning_rate=1e-3)
    groups = run_groups.group_runs(run_groups.read_runs([tmp_path]))
    assert {group.name: len(group.runs) for group in groups} == {"other": 1, "small": 2, "whole": 1}


@pytest.mark.parametrize("nothing", [None, {}], ids=["null", "empty"])
def test_run_from_before_an_option_went_or_came_is_in_the_row_of_those_that_do_not_set_it(tmp_path, nothing):
    write_run(tmp_path / "old", 1, adapter="none", chosen_rate=nothing)
    write_run(tmp_path / "new", 2, adapter="none", fields=nothing)
    write_run(tmp_path / "other", 1, adapter="none", fields={"hidden_size": 8})
    groups = run_groups.group_runs(run_groups.read_runs([tmp_path]))
    assert {group.name: len(group.runs) for group in groups} == {"no fields": 2, "fields={'hidden_size': 8}": 1}


def test_scripts_are_told_apart_by_their_names_and_not_by_every_option(tmp_path):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 1, pooling="mean")
    record = json.loads((tmp_path / "b" / "run.json").read_text())
    record["argv"] = ["run_classification.py"]
    (tmp_path / "b" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    names = [group.name for group in run_groups.group_runs(run_groups.read_runs([tmp_path]))]
    assert names == ["run_ner, bert-mini", "run_classification, bert-mini"]


def test_runs_in_one_folder_are_a_row_named_by_it(tmp_path, capsys):
    for seed in (1, 2):
        write_run(tmp_path / "few words" / f"seed-{seed}", seed, verbalizer=f"words of draw {seed}")
        write_run(tmp_path / "many" / f"seed-{seed}", seed, share=0.5)
    report.main([str(tmp_path), "--by_folder", "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert re.findall(r"^\| ([\w ]+) \| [^|]+ \| (\d) \|$", out, re.MULTILINE) == [("few words", "2"), ("many", "2")]


def test_scores_after_each_epoch_that_all_seeds_have(tmp_path, capsys):
    for seed, scores in ((1, (0.5, 0.7, 0.8)), (2, (0.6, 0.7))):
        write_run(tmp_path / f"a-{seed}", seed)
        history = [{"epoch": float(i), "eval_f1": score} for i, score in enumerate(scores, 1)] + [
            {"epoch": 1.0, "loss": 2}
        ]
        (tmp_path / f"a-{seed}" / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    report.main([str(tmp_path), "--per_epoch", "eval_f1", "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert (
        "| eval_f1 after epoch | run_ner, bert-mini |\n|---|---|\n| 1 | 55.00 ± 7.07 |\n| 2 | 70.00 ± 0.00 |\n" in out
    )
    assert "| 3 |" not in out and (tmp_path / "report" / "table.md").read_text(encoding="utf-8") == out
    with pytest.raises(
        DataError, match="--per_epoch eval_f2: expected runs that logged it during training, found none"
    ):
        report.main([str(tmp_path), "--per_epoch", "eval_f2", "--output_dir", str(tmp_path / "report")])


def test_each_class_is_shown_with_its_spread(tmp_path, capsys):
    for seed, f1 in ((1, 0.5), (2, 0.7)):
        write_run(tmp_path / f"a-{seed}", seed)
        row = {"precision": 0.25, "recall": 1.0, "f1": f1, "support": 4}
        errors = {"splits": {"validation": {"table": {"a|b": row, "micro avg": row}}}}
        (tmp_path / f"a-{seed}" / "error_report.json").write_text(json.dumps(errors))
    flags = ["--per_class", "validation", "--output_dir", str(tmp_path / "report")]
    report.main([str(tmp_path), *flags])
    out = capsys.readouterr().out
    assert "| run_ner, bert-mini | precision | recall | F1 | support |" in out
    assert "| a\\|b | 25.00 ± 0.00 | 100.00 ± 0.00 | 60.00 ± 14.14 | 4 |" in out
    with pytest.raises(DataError, match="--per_class test: expected runs with a table of its classes, found none"):
        report.main([str(tmp_path), "--per_class", "test", "--output_dir", str(tmp_path / "report")])


def test_speeds_and_sizes_are_not_shares(tmp_path, capsys):
    write_run(tmp_path / "a", 1)
    results = json.loads((tmp_path / "a" / "all_results.json").read_text()) | {"train_samples_per_second": 312.5}
    (tmp_path / "a" / "all_results.json").write_text(json.dumps(results))
    report.main([str(tmp_path), "--metrics", "train_samples_per_second", "--output_dir", str(tmp_path / "report")])
    assert "| 312.50 |" in capsys.readouterr().out


def test_pair_is_explained_with_the_examples_that_changed(runs, capsys):
    report.main(["--compare", str(runs / "crf-1"), str(runs / "softmax-1"), "--examples", "2"])
    out = capsys.readouterr().out
    assert "crf: eval_f1 " in out and "difference: +" in out
    assert "better with crf: " in out and "worse with crf: " in out and " more" in out
    assert "crf: 甲 [X 0-1]" in out and "softmax: 甲 [X 0-2]" in out


def test_pair_of_classifiers_has_mcnemars_test(tmp_path, capsys):
    for name, wrong in (("one", 5), ("two", 30)):
        write_run(tmp_path / name, 1, head=name)
        gold = ["a", "b"] * 50
        found = ["c"] * wrong + gold[wrong:]
        rows = Dataset.from_dict({"id": list(map(str, range(100))), "label": gold})
        counts = {"validation": count_classes(rows, found, ["a", "b", "c"])}
        (tmp_path / name / "example_counts.json").write_text(json.dumps(counts), encoding="utf-8")
    report.main(["--compare", str(tmp_path / "one"), str(tmp_path / "two"), "--metrics", "eval_accuracy"])
    out = capsys.readouterr().out
    assert "one: eval_accuracy 95.00 (runs: 1)" in out and "McNemar's test: p = 0.000" in out
    assert "better with one: 25 of 100 examples" in out


def test_formulas_are_quoted_and_bars_escaped(tmp_path):
    write_run(tmp_path / "a", 1, head="=cmd|' /C calc'!A0")
    write_run(tmp_path / "b", 1, head="plain")
    table = result_table.ResultTable(run_groups.group_runs(run_groups.read_runs([tmp_path])), ["eval_f1"])
    assert "\n'=cmd|" in table.csv() or "\n\"'=cmd|" in table.csv()
    assert "| =cmd\\|" in table.markdown()


def test_losses_are_better_when_lower(tmp_path):
    write_run(tmp_path / "a", 1, share=0.9)
    write_run(tmp_path / "b", 1, share=0.5, head="span")
    table = result_table.ResultTable(run_groups.group_runs(run_groups.read_runs([tmp_path])), ["eval_loss"])
    assert list(table.comparisons) == ["span"]


@pytest.mark.parametrize(
    ("prepare", "argv", "error", "message"),
    [
        (None, ["{}"], DataError, "expected a run's folder with its run.json"),
        ("order", ["{}", "--metrics", "eval_bleu"], DataError, "--metrics eval_bleu: no run has it"),
        ("twice", ["{}"], DataError, "expected different seeds or settings, found the same twice"),
        ("broken", ["{}"], DataError, "run.json: expected the record of a run"),
        ("one", ["{}", "--metrics", "eval_bleu"], DataError, "--metrics eval_bleu: no run has it"),
        ("one", [], ArgumentError, "expected folders of runs, --compare with two of them, or --suspects"),
        (
            "one",
            ["--compare", "{}", "{}", "--keep", "{}/k"],
            ArgumentError,
            "--keep does nothing together with --compare",
        ),
        ("one", ["--compare", "{}", "{}"], ArgumentError, "--output_dir does nothing together with --compare"),
        ("one", ["{}", "--keep", "{}/k", "--metrics", "eval_f1"], ArgumentError, "--metrics does nothing together wi"),
        ("one", ["{}", "--examples", "3"], ArgumentError, "--examples does nothing without --compare"),
        ("one", ["{}", "--published", "{}/run.json"], DataError, "expected a mapping|expected YAML"),
    ],
)
def test_what_cannot_be_reported_is_refused(tmp_path, prepare, argv, error, message):
    if prepare:
        write_run(tmp_path / "a", 1)
    if prepare in ("twice", "order"):
        write_run(tmp_path / "b", 1, **({"data_seed": 2} if prepare == "order" else {}))
    if prepare == "broken":
        (tmp_path / "a" / "run.json").write_text("[]", encoding="utf-8")
    words = [word.replace("{}", str(tmp_path)) for word in argv]
    with pytest.raises(error, match=message):
        report.main([*words, "--output_dir", str(tmp_path / "report")] if words else [])
    assert not (tmp_path / "report").exists()


def test_runs_that_differ_only_in_the_seed_are_compared_under_their_folders(tmp_path, capsys):
    for seed, share in ((1, 0.9), (2, 0.5)):
        write_run(tmp_path / f"run-{seed}", seed, share=share)
    report.main(["--compare", str(tmp_path / "run-1"), str(tmp_path / "run-2")])
    shown = capsys.readouterr().out
    assert "run-1" in shown and "run-2" in shown and "points" in shown
    with pytest.raises(DataError, match="expected different seeds or settings, found the same twice"):
        report.main(["--compare", str(tmp_path / "run-1"), str(tmp_path / "run-1")])


def test_two_scores_of_a_pair_are_refused(runs):
    pair = [str(runs / "crf-1"), str(runs / "softmax-1")]
    with pytest.raises(ArgumentError, match="--metrics: expected one score with --compare, found several"):
        report.main(["--compare", *pair, "--metrics", "eval_f1", "eval_loss"])


def test_other_rows_with_the_same_ids_are_no_pair(tmp_path, capsys):
    write_run(tmp_path / "one", 1, share=0.9)
    write_run(tmp_path / "two", 1, share=0.5, head="span", texts=["丙丁"] * 300)
    report.main([str(tmp_path), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "**" not in out and "eval_f1: no paired test: not scored on the same examples" in out
    with pytest.raises(DataError, match="eval_f1: not scored on the same examples: rows or their labels differ"):
        report.main(["--compare", str(tmp_path / "one"), str(tmp_path / "two")])


def test_classes_in_another_order_are_paired_by_their_names(tmp_path, capsys):
    """Of 40 texts both classifiers have 20 right; the second names the classes in another order."""
    rows = Dataset.from_dict({"id": list(map(str, range(40))), "text": ["甲"] * 40, "label": ["a", "b"] * 20})
    found = {"one": ["a"] * 40, "two": ["b", "b"] * 10 + ["a", "a"] * 10}
    for name, labels in (("one", ["a", "b"]), ("two", ["b", "a"])):
        write_run(tmp_path / name, 1, head=name)
        (tmp_path / name / "example_counts.json").write_text(
            json.dumps({"validation": count_classes(rows, found[name], labels)}), encoding="utf-8"
        )
        results = {"eval_macro_f1": {"one": 1 / 3, "two": 0.5}[name], "eval_accuracy": 0.5}
        (tmp_path / name / "all_results.json").write_text(json.dumps(results), encoding="utf-8")
    report.main(["--compare", str(tmp_path / "two"), str(tmp_path / "one"), "--metrics", "eval_macro_f1"])
    out = capsys.readouterr().out
    assert "two: eval_macro_f1 50.00 (runs: 1)" in out and "one: eval_macro_f1 33.33 (runs: 1)" in out
    assert "difference: +16.67 points" in out and "better with two: 10 of 40 examples" in out


def test_f1_of_another_class_is_no_pair_and_the_table_says_whose_it_is(tmp_path, capsys):
    rows = Dataset.from_dict({"id": ["1", "2"], "text": ["甲", "乙"], "label": ["a", "b"]})
    for name, positive in (("one", 0), ("two", 1)):
        write_run(tmp_path / name, 1, head=name)
        counts = {"validation": count_classes(rows, ["a", "a"], ["a", "b"], positive)}
        (tmp_path / name / "example_counts.json").write_text(json.dumps(counts), encoding="utf-8")
        results = {"eval_f1": (2 / 3, 0.0)[positive]}
        (tmp_path / name / "all_results.json").write_text(json.dumps(results), encoding="utf-8")
    report.main([str(tmp_path), "--metrics", "eval_f1", "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "eval_f1 is for the class a: one" in out and "eval_f1 is for the class b: two" in out
    assert "eval_f1: no paired test: the score is not for the same classes" in out
    with pytest.raises(DataError, match="eval_f1: the score is not for the same classes"):
        report.main(["--compare", str(tmp_path / "one"), str(tmp_path / "two"), "--metrics", "eval_f1"])


def test_rows_of_one_name_have_more_of_their_paths_and_are_tested_each_for_itself(tmp_path, capsys):
    for table, share in (("first", 0.9), ("second", 0.895), ("third", 0.5)):
        write_run(tmp_path / table / "crf" / "seed-1", 1, share=share, head=table)
    report.main([str(tmp_path), "--by_folder", "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "| first/crf |" in out and "| second/crf |" in out and "**" not in out
    assert "- first/crf: +" in out and "- third/crf: +" in out


def test_runs_that_differ_in_a_limit_have_names(tmp_path):
    write_run(tmp_path / "a", 1, max_train_samples=100)
    write_run(tmp_path / "b", 1, max_train_samples=None)
    names = [group.name for group in run_groups.group_runs(run_groups.read_runs([tmp_path]))]
    assert names == ["max_train_samples=100", "no max_train_samples"]


def test_folds_of_one_seed_are_a_row_that_says_so(tmp_path, capsys):
    for fold in (1, 2, 3):
        write_run(tmp_path / "crf" / f"fold-{fold}", 1, own_data=True, train_file=f"fold-{fold}/train.json")
        record = json.loads((tmp_path / "crf" / f"fold-{fold}" / "run.json").read_text())
        record["data"] = {f"fold-{fold}/train.json": f"{fold:064x}"}
        (tmp_path / "crf" / f"fold-{fold}" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    report.main([str(tmp_path), "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    assert "| 3 |" in out and "each run on its own data: run_ner, bert-mini" in out


def test_folds_inside_a_run_are_parts_of_it_unless_they_are_named(tmp_path):
    write_run(tmp_path / "crf", 1)
    write_run(tmp_path / "crf" / "fold-1", 1)
    write_run(tmp_path / "other", 2)
    found = [run.folder.relative_to(tmp_path).as_posix() for run in run_groups.read_runs([tmp_path])]
    assert sorted(found) == ["crf", "other"]
    (fold,) = run_groups.read_runs([tmp_path / "crf" / "fold-1"])
    assert fold.folder.name == "fold-1"


# Scores that are no shares, and texts with rare line ends


def write_scores(folder, found, gold, *, texts):
    """A run of a regression."""
    from utils.scoring.example_counts import count_scores
    from utils.scoring.regression import RegressionScores

    folder.mkdir(parents=True)
    rows = Dataset.from_dict({"id": [f"r{i}" for i in range(len(gold))], "text": texts, "label": gold})
    scores = RegressionScores(keep_in_memory=True).compute(predictions=found, references=gold)
    results = {f"test_{name}": value for name, value in scores.items()}
    resolved = {"seed": 1, "output_dir": str(folder), "model_name_or_path": folder.name, "train_file": "train.json"}
    record = {"argv": ["run_classification.py"], "arguments": resolved, "results": results, "seed": 1}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "all_results.json").write_text(json.dumps(results), encoding="utf-8")
    lines = [
        json.dumps({"id": row["id"], "text": row["text"], "score": one}, ensure_ascii=False)
        for row, one in zip(rows, found, strict=True)
    ]
    (folder / "predictions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "example_counts.json").write_text(json.dumps({"test": count_scores(rows, found)}), encoding="utf-8")


@pytest.fixture
def scored(tmp_path):
    texts = ["a\u2028b", "c\u0085d", "e"]
    write_scores(tmp_path / "near", [1.0, 2.0, 3.5], [1.0, 2.0, 3.0], texts=texts)
    write_scores(tmp_path / "far", [4.0, 2.0, 3.0], [1.0, 2.0, 3.0], texts=texts)
    return tmp_path


@pytest.mark.parametrize("metric", ["test_mae", "test_mse", "test_pearson", "test_spearman"])
def test_example_is_better_where_its_score_is_nearer_to_gold(scored, capsys, metric):
    report.main(["--compare", str(scored / "near"), str(scored / "far"), "--metrics", metric])
    better, worse = capsys.readouterr().out.partition("better with ")[2].split("worse with ")
    assert "1 of 3 examples" in better and "r0: a\u2028b" in better
    assert "1 of 3 examples" in worse and "r2: e" in worse


def test_errors_are_told_in_their_unit_and_without_a_test_of_right_and_wrong(scored, capsys):
    report.main(["--compare", str(scored / "near"), str(scored / "far"), "--metrics", "test_mae"])
    out = capsys.readouterr().out
    assert "near: test_mae 0.1667 (runs: 1)" in out and "far: test_mae 1.0000" in out
    assert "difference: -0.8333 (95 % interval " in out
    assert "points" not in out and "McNemar" not in out


def test_table_tells_a_difference_of_errors_in_their_unit(scored, capsys, tmp_path):
    flags = ["--metrics", "test_mae", "--output_dir", str(tmp_path / "report")]
    report.main([str(scored / "near"), str(scored / "far"), *flags])
    out = capsys.readouterr().out
    assert "- far: -0.8333 (95 % interval " in out and "points" not in out
