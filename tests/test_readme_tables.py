"""The tables of README.md and docs/ are made anew from results/ and compared with what stands there, cell by cell."""

import json
import re
import shlex
import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

import report
from utils.tables.kept_runs import read_kept
from utils.tables.run_groups import RunGroup, group_runs

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = {"README.md": "README_zh.md"} | {
    f"docs/en/{path.name}": f"docs/zh/{path.name}" for path in sorted(ROOT.glob("docs/en/*.md"))
}  # each page and its Chinese form
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for pair in ENGLISH.items()
    for name in pair
    if (ROOT / name).exists()
}
Rows = list[list[str]]


def read(name: str) -> dict:
    return json.loads((ROOT / "results" / f"{name}_bert_mini_zh.json").read_text(encoding="utf-8"))


def spread(values, digits=2, scale=100) -> str:
    """Mean ± standard deviation of the sample; the mean alone where all are equal."""
    mean = f"{scale * statistics.mean(values):.{digits}f}"
    return mean if len(set(values)) == 1 else f"{mean} ± {scale * statistics.stdev(values):.{digits}f}"


def cluener() -> Rows:
    names = ("crf", "bilstm_crf", "span", "softmax", "feature_crf")
    *ours, feature_crf = (group.values("eval_f1") for _, group in kept_rows("cluener", names))
    left = (ROOT / "results" / "stock_softmax").glob("seed-*.json")
    stock = [json.loads(path.read_text(encoding="utf-8"))["best_f1_strict"] for path in sorted(left)]
    rows = [*ours, stock, feature_crf]
    return [[spread(scores), ", ".join(f"{100 * score:.2f}" for score in scores)] for scores in rows]


def text_scores() -> Rows:
    rows = []
    for name in ("taipei", "sarcasm", "thucnews"):
        svm, ours = read(name)["scores"].values()
        rows.append([spread([one[key] for one in side]) for side in (ours, svm) for key in ("accuracy", "macro_f1")])
    return rows


def poolings() -> Rows:
    scores = read("sarcasm_pooling")["scores"]
    return [
        [
            spread([one[kind][key] for one in scores[pooling]])
            for kind in ("untuned", "tuned")
            for key in ("accuracy", "f1")
        ]
        for pooling in ("cls", "fusion")
    ]


def few_examples() -> Rows:
    eprstmt, tnews = (read(name)["accuracy_by_draw"] for name in ("eprstmt", "tnews"))
    return [[spread(eprstmt[method], 1), spread(tnews[method], 1)] for method in eprstmt]


def text_speed() -> Rows:
    rows = []
    runs = read("text_speed")["runs"]
    for data in dict.fromkeys(run["data"] for run in runs):
        own = [run for run in runs if run["data"] == data]
        cells = []
        for before in ("", "stock_"):
            speeds, scores = ([run[before + key] for run in own] for key in ("texts_per_second", "accuracy"))
            digits = 0 if statistics.mean(speeds) > 100 else 1
            cells.append(f"{spread(speeds, digits, 1)} texts/s ({spread(scores, 1)})")
        rows.append([*cells, f"{spread([run['ratio'] for run in own], 1, 1)} x"])
    return rows


def encoders() -> Rows:
    scores = read("encoders")["scores"]
    return [[spread(seeds) for seeds in by_encoder.values()] for by_encoder in scores.values()]


def adaptation() -> Rows:
    rows = []
    for one in read("adaptation")["scores"].values():
        difference = 100 * (statistics.mean(one["adapted"]) - statistics.mean(one["shipped"]))
        p = f"p = {one['p']:.3f}" if one["p"] >= 0.001 else "p < 0.001"
        rows.append([spread(one["shipped"]), spread(one["adapted"]), f"{difference:+.2f} ({p})"])
    return rows


def mlm_speed() -> Rows:
    speeds = read("mlm_speed")["tokens_per_second"]
    slowest = speeds["stock, joined texts"]["mean"]
    return [[f"{one['mean']:,} ± {one['std']}", f"{one['mean'] / slowest:.1f}"] for one in speeds.values()]


def onnx() -> Rows:
    return [
        [f"{100 * one['f1']:.2f}", f"{one['texts_per_second']:.0f}", f"{one['megabytes']:.1f}"]
        for one in read("onnx")["rows"].values()
    ]


def prompt_ner() -> Rows:
    numbers = read("prompt_ner")["numbers"]
    rows = [[f"{numbers['loop_spans_per_s']:.0f}", ""]]
    for name in ("fp32", "bf16", "fp32, shared texts", "bf16, shared texts"):
        rows.append([f"{numbers[name]['spans_per_s']:,.0f}", f"{numbers[name]['ratio']:.1f}x"])
    return rows


ADAPTERS = (
    "full",
    "lora",
    "lora_all",
    "lora_all_long",
    "bottleneck",
    "bitfit",
    "layernorm",
    "ia3",
    "prefix",
    "prompt",
    "p_tuning",
)


def kept_rows(table: str, names: Sequence[str]) -> Iterator[tuple[str, RunGroup]]:
    """The rows of results/tables/TABLE.json, which scripts/tables makes, in the order of names."""
    groups = group_runs(read_kept(ROOT / "results" / "tables" / f"{table}.json"), by_folder=True)
    rows = {group.name.removeprefix("bert-mini-zh_"): group for group in groups}
    assert set(rows) <= set(names)
    yield from ((name, rows[name]) for name in names if name in rows)


def adapter_rows(task: str) -> Iterator[tuple[str, RunGroup]]:
    """Of an adapter that is measured: its name as README has it, and its runs."""
    yield from ((f"`{name}`", group) for name, group in kept_rows(f"adapters-{task}", ADAPTERS))


def adapter_scores(task: str, metric: str) -> Rows:
    return [
        [
            name,
            spread(group.values(metric)),
            f"{100 * group.values('trainable_share')[0]:.1f}",
            f"{group.values('size_mb')[0]:.2f}",
        ]
        for name, group in adapter_rows(task)
    ]


PUBLISHED_TASKS = ("sarcasm", "thucnews")  # the rows of README's table


def readme_scores() -> Rows:
    """Accuracy of the encoder, of the encoder with n-grams, and of the n-grams."""
    rows = []
    for table in PUBLISHED_TASKS:
        scores = {name: spread(group.values("eval_accuracy")) for name, group in kept_rows(table, PUBLISHED)}
        classical = scores.pop("tfidf_svm")
        voices = [scores.pop(name) for name in list(scores) if name.endswith("_ngrams")] or ["–"]
        rows.append([*scores.values(), *voices, classical])
    return rows


PUBLISHED = ("minilm-l6-en", "me5-small-zh", "me5-small-zh_ngrams", "tfidf_svm")


def published(table: str) -> Rows:
    scores = ("eval_accuracy", "eval_macro_f1")
    return [[spread(group.values(score)) for score in scores] for _, group in kept_rows(table, PUBLISHED)]


def sts() -> Rows:
    """Correlations on test and on the split that chose the epoch."""
    scores = ("test_spearman", "test_pearson", "eval_spearman")
    return [[spread(group.values(score)) for score in scores] for _, group in kept_rows("sts", ("me5-small-zh",))]


def glue() -> Rows:
    names, scores = ("minilm-l6-en", "tfidf_svm"), ("eval_accuracy", "eval_f1")
    return [[spread(group.values(score)) for score in scores] for _, group in kept_rows("glue-mrpc", names)]


FOLDS = (("thucnews", "eval_accuracy"), ("sarcasm", "eval_accuracy"), ("cluener", "eval_f1"))  # the rows of the table


def folds() -> Rows:
    """On data that no fold has seen: the ensemble, the single models, the mean of their weights."""
    rows = []
    for task, score in FOLDS:
        groups = group_runs(read_kept(ROOT / "results" / "tables" / f"folds-{task}.json"), by_folder=True)
        scores = {group.name.rpartition("_")[2]: spread(group.values(score)) for group in groups}
        rows.append([scores[name] for name in ("ensemble", "single", "soup")])
    return rows


def searches() -> Rows:
    rows = kept_rows("search-thucnews", ("searched", "by_hand"))
    return [[spread(group.values("eval_accuracy")) for _, group in rows]]


PEOPLE = ("bert-mini-zh", "albert", "roberta", "feature_crf")
ENTITY_SCORES = ("eval_precision", "eval_recall", "eval_f1", "eval_macro_f1")


def people() -> Rows:
    return [[spread(group.values(score)) for score in ENTITY_SCORES] for _, group in kept_rows("people", PEOPLE)]


def people_by_type() -> Rows:
    """A row for each type and average: F1 of each encoder, precision and recall of the first, support."""
    tables = [group.classes("validation") for _, group in kept_rows("people", PEOPLE)]
    rows = []
    for label, first in tables[0].items():
        precision, recall, support = (first[key] for key in ("precision", "recall", "support"))
        f1 = [told(*table[label]["f1"]) for table in tables]
        rows.append([told(*precision), told(*recall), *f1, f"{support[0]:,.0f}"])
    return rows


def told(mean: float, deviation: float | None) -> str:
    """A score × 100, ± its deviation where there is one."""
    return f"{100 * mean:.2f}" + (f" ± {100 * deviation:.2f}" if deviation else "")


def record(name: str) -> list[dict]:
    """What a benchmark left with `--output_file results/speed/NAME.json`."""
    return json.loads((ROOT / "results" / "speed" / f"{name}.json").read_text(encoding="utf-8"))["rows"]


def speed() -> Rows:
    rows = []
    for row in record("crf"):
        mine, other = row["ms"], row["pytorch_crf_ms"]
        rows.append([f"{mine:.1f} ms", f"pytorch-crf {other:.1f} ms", f"{other / mine:.1f}x"])
    for data in ("cluener", "people"):
        mine, other = (values_of(f"train_{data}", what) for what in ("run_ner.py --head crf", "stock_crf.py"))
        cells = [f"{spread(speeds, 0, 1)} texts/s (F1 {spread(f1, 1)})" for speeds, f1 in (mine, other)]
        rows.append([cells[0], f"Trainer + pytorch-crf loop {cells[1]}", ratio(mine[0], other[0])])
    pipeline, *heads = (values_of("predict", what)[0] for what in ("pipeline", "softmax", "crf", "span"))
    beside = f"`pipeline(..., batch_size=32)` {spread(pipeline, 0, 1)} texts/s"
    rows += [[f"{spread(mine, 0, 1)} texts/s", beside, ratio(mine, pipeline)] for mine in heads]
    return rows


def predict_int8() -> Rows:
    """Texts per second of each head, and how many times as many as the pipeline's; with eight bits, too."""
    found = {what: values_of("predict_int8", what)[0] for what in ("pipeline", "softmax", "crf")}
    small = {what: values_of("predict_int8", f"{what}, int8")[0] for what in ("softmax", "crf")}
    rows = [[spread(found["pipeline"], 0, 1), ""]]
    for kind in (found, small):
        rows.append(
            [f"{spread(kind[what], 0, 1)} ({ratio(kind[what], found['pipeline'])})" for what in ("softmax", "crf")]
        )
    return rows


def values_of(name: str, what: str) -> tuple[list[float], list[float]]:
    """Texts/s and F1 of each round of a record."""
    rows = [row for row in record(name) if row["what"] == what]
    return [row["texts_per_second"] for row in rows], [row.get("f1") for row in rows]


def ratio(mine: list[float], other: list[float]) -> str:
    """Of each round, then mean ± std."""
    return spread([a / b for a, b in zip(mine, other, strict=True)], 1, 1) + "x"


def serve_load() -> Rows:
    """Texts per second and milliseconds for each number of clients, of serve.py and of pipelines; their ratio."""
    found = json.loads((ROOT / "results" / "speed" / "serve_load.json").read_text(encoding="utf-8"))
    rows = []
    for clients, mine in found["serve"].items():
        other = found["pipeline"][clients]
        cells = [f"{one['per_second']:.0f} texts/s" for one in (mine, other)]
        times = [f"{one['p50_ms']:.0f} / {one['p99_ms']:.0f} ms" for one in (mine, other)]
        rows.append([cells[0], times[0], cells[1], times[1], f"{mine['ratio']:.1f}x"])
    return rows


def adapters_taipei() -> Rows:
    return adapter_scores("taipei", "eval_accuracy")


def adapters_cluener() -> Rows:
    return adapter_scores("cluener", "eval_f1")


def adapters_speed() -> Rows:
    measured = ("train_samples_per_second", "peak_memory_mb")
    return [
        [name, *(spread(group.values(metric), digits=0, scale=1) for metric in measured)]
        for name, group in adapter_rows("speed")
    ]


# The head of each English table, and what makes its cells but the first of each row.
TABLES = {
    "| data, score | Weitiao | with n-grams as a second voice | n-grams and a linear SVM |": readme_scores,
    "| head | F1, mean ± std | seeds |": cluener,
    "| sarcasm headlines, five 90/10 splits | accuracy | macro F1 |": partial(published, "sarcasm"),
    "| THUCNews titles, dev → test, three seeds | accuracy | macro F1 |": partial(published, "thucnews"),
    "| STS-B in Chinese, three seeds | Spearman | Pearson | Spearman, dev |": sts,
    "| MRPC, train → dev, three seeds | accuracy | F1 |": glue,
    "| five folds | ensemble | single models | mean of their weights |": folds,
    "| data | splits | Weitiao accuracy | macro F1 | SVM accuracy | macro F1 |": text_scores,
    "| a search of 20 trials | its setting | tuned by hand |": searches,
    "| `--pooling` | accuracy | F1 | accuracy, tuned | F1, tuned |": poolings,
    "| | eprstmt | tnews |": few_examples,
    "| texts | Weitiao | stock | ratio |": text_speed,
    "| task | random weights | `bert-mini-zh` | `bert-mini-zh-wwm` |": encoders,
    "| texts/s | softmax model | crf model |": predict_int8,
    "| labels | `bert-mini-zh` | after the unlabelled texts | difference |": adaptation,
    "| | tokens/s | x |": mlm_speed,
    "| | F1 | texts/s | MB |": onnx,
    "| Taipei QA | accuracy | weights that learn, % | MB |": adapters_taipei,
    "| CLUENER | F1 | weights that learn, % | MB |": adapters_cluener,
    "| CLUENER, 100 steps | texts/s | peak memory, MB |": adapters_speed,
    "| | spans/s | ratio |": prompt_ner,
    "| persons, places, organisations | precision | recall | F1 | macro F1 |": people,
    "| type | precision | recall | F1 | ALBERT | RoBERTa | feature CRF | support |": people_by_type,
    "| what | Weitiao | compared with | ratio |": speed,
    "| clients | serve.py --int8 | p50 / p99 | a pipeline call each | p50 / p99 | ratio |": serve_load,
}
SKIPPED_COLUMNS = {
    text_scores: 2,
    adapters_taipei: 0,
    adapters_cluener: 0,
    adapters_speed: 0,
}  # of each row, before the cells that are compared; 1 elsewhere


FENCED = re.compile(r"^```.*?^```\n", flags=re.MULTILINE | re.DOTALL)


def tables_of(text: str) -> Iterator[tuple[str, Rows]]:
    """Heads and rows of the tables in Markdown."""
    for block in re.findall(r"(?:^\|.*\n)+", FENCED.sub("", text), flags=re.MULTILINE):
        head, _, *rows = block.splitlines()
        yield head, [[cell.strip().replace("**", "") for cell in row.strip("|").split(" | ")] for row in rows]


MEASURED = re.compile(r"[-+]?\d[\d,.]*( ±|x$| texts/s)")


def is_measured(rows: Rows) -> bool:
    return any(MEASURED.match(cell) for row in rows for cell in row)


@pytest.mark.parametrize("head", TABLES)
def test_table_is_what_the_results_say(head):
    make = TABLES[head]
    (rows,) = [rows for name in ENGLISH for found, rows in tables_of(TEXTS[name]) if found == head]
    assert [row[SKIPPED_COLUMNS.get(make, 1) :] for row in rows] == make()


def test_every_table_with_measured_numbers_is_one_of_them():
    measured = [head for name in ENGLISH for head, rows in tables_of(TEXTS[name]) if is_measured(rows)]
    assert len(measured) >= 15
    assert set(measured) <= set(TABLES)


@pytest.mark.parametrize(("english", "chinese"), ENGLISH.items())
def test_tables_have_the_same_numbers_in_chinese(english, chinese):
    both = [
        [
            [re.findall(r"\d+(?:[,.]\d+)*", cell) for row in rows for cell in row]
            for _, rows in tables_of(TEXTS[name])
            if is_measured(rows)
        ]
        for name in (english, chinese)
    ]
    assert both[0] == both[1]


def test_report_prints_what_its_example_shows(capsys, tmp_path):
    page = TEXTS["docs/en/outputs.md"]
    (words, shown) = re.search(r"^python report.py (results/[^\n]*)\n```\n```\n(.*?)^```", page, re.M | re.S).groups()
    report.main(
        [str(ROOT / word) if "/" in word else word for word in shlex.split(words)] + ["--output_dir", str(tmp_path)]
    )
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_planted_errors_are_told_as_they_were_found(language):
    page = TEXTS[f"docs/{language}/competitions.md"]
    for name in ("thucnews", "cluener"):
        found = json.loads((ROOT / "results" / f"planted_{name}.json").read_text(encoding="utf-8"))
        assert f"{found['listed']:,}" in page and f"{100 * found['precision_at_planted']:.0f} %" in page
        share = f"{100 * found['recall']:.0f} %"
        assert share in page or str(round(found["recall"] * found["planted"])) in page


def test_changed_number_is_caught():
    shown = cluener()[0][0]
    page = TEXTS["docs/en/benchmarks.md"]
    assert shown in page
    (rows,) = [
        rows
        for found, rows in tables_of(page.replace(shown, "82.65 ± 0.51"))
        if found in TABLES and TABLES[found] is cluener
    ]
    assert [row[1:] for row in rows] != cluener()
