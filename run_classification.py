"""Train, score and apply a text classifier: one text or a pair; one label, several, or a score; on any encoder.

    python run_classification.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 \\
        --train_file data/review_sample/train.tsv --validation_file data/review_sample/dev.tsv --output_dir outputs/r
    python run_classification.py config.yaml --pooling fusion --threshold_metric f1

Prints a line an epoch and the scores of the best one, before and after its probabilities were calibrated on the
validation data (half a minute on two CPU cores for the first command), and leaves in --output_dir the model,
its card, scores, predictions (for test data also `submission.csv`) and the record of the run. With a trained
directory as model and no training data it scores --validation_file and predicts --test_file.
"""

import logging
import time

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS, ClassifierArguments
from utils.options.decision_arguments import DecisionArguments
from utils.options.shared_arguments import ModelArguments, PairArguments, TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = ClassifierArguments, DecisionArguments, PairArguments, ModelArguments
    telling = {"description": __doc__, "defaults": CLASSIFIER_DEFAULTS}
    parsed = arguments.parse_arguments(*ours, AdapterArguments, TrickArguments, argv=argv, **telling)
    head, decisions, data, base, adapter, flags, training = parsed
    decisions.check()
    trains = bool(data.train_file or data.dataset_name)
    arguments.check_use(parsed, trains=trains)
    adapter.check(flags, training, trains=trains)
    training = training.build(**adapter.changes())

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import score_labels, splits
    from utils.data.errors import DataError
    from utils.encoding import collators, encoded_dataset, text_inputs, tokenization
    from utils.modeling.text_classifier import load_classifier, start_at
    from utils.prediction.label_finder import LabelFinder
    from utils.prediction.merged_models import start_of
    from utils.reading import dataset_records, readers_text, task_columns, text_cleaning
    from utils.reporting.run_summary import describe_run, pages
    from utils.running import atomic_files, hub, run_setup
    from utils.running.output_folder import open_output_dir
    from utils.running.processes import once
    from utils.scoring import example_counts, positive_labels
    from utils.scoring.decisions import DecisionRule
    from utils.scoring.score_rule import ScoreRule
    from utils.tasks import text_tasks
    from utils.training import batch_size, class_sampler, losses, regularized_dropout, tricks
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    output_dir = open_output_dir(training, model=base.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: every format becomes rows of id, text, text_pair (of pairs), label or labels
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    reader, dataset = readers_text.TextReader(**data.reading()), {}
    if data.dataset_name:
        dataset = once(reader.load, data.dataset_name, data.dataset_config_name)
    if files["train"]:
        dataset["train"] = once(reader.read, files["train"])
    training.do_train = "train" in dataset
    if not any(files[split] or split in dataset for split in files):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    finder = None
    if training.do_train:
        labels = dataset_records.list_labels(dataset["train"])
        pair, multi_label = "text_pair" in dataset["train"].features, "labels" in dataset["train"].features
        regression = decisions.task == "regression" or (
            decisions.task == "auto" and not multi_label and score_labels.are_scores(labels)
        )
        if regression:
            score_labels.refuse_several(dataset["train"].features)
            labels = list(ScoreRule.labels)
            logger.info("labels are scores: regression (--task classification would make classes of them)")
        elif len(labels) < 2 - multi_label:
            raise DataError(f"the training data: expected two classes or more, found {', '.join(labels) or 'none'}")
        positive = None if multi_label else positive_labels.positive_class(labels, decisions.positive_label)
        decisions.check_labels(labels, multi_label=multi_label, positive=positive, given=training.given)
    else:
        if decisions.tuning:
            raise ArgumentError(
                "thresholds are tuned after training; for a trained model predict.py takes --threshold"
            )
        finder = LabelFinder.load(base.model_name_or_path, revision=base.model_revision)
        labels, pair, multi_label = list(finder.rule.labels), finder.encoder.pair, finder.rule.multi_label
        regression = isinstance(finder.rule, ScoreRule)
    head.check(multi_label=multi_label, regression=regression)
    for split in ("validation", "test"):
        if files[split]:
            allowed = {"labels": None if regression else labels, "allow_empty": split == "test"}
            dataset[split] = once(reader.read, files[split], **allowed)
    if training.do_train and "validation" not in dataset:
        share = {"validation_share": data.validation_share, "seed": training.seed}
        cut = splits.split_by_text if regression else splits.split_by_class
        dataset["train"], dataset["validation"] = cut(dataset["train"], **share)
        once(atomic_files.write_json, output_dir / "validation_ids.json", dataset["validation"]["id"][:])
    dataset = {split: dataset[split] for split in files if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        rows = task_columns.match_columns(rows, pair=pair, multi_label=multi_label, source=f"the {split} data")
        rows = score_labels.to_scores(rows, source=f"the {split} data") if regression else rows
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))
    kinds = "pairs of texts" if pair else "texts", "several labels each" if multi_label else "one each"
    logger.info("%s with %s: %s", *kinds, ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else ""))
    if training.do_train:
        task_columns.require_labels(dataset)

    # ---- 2. Tokenise: whole texts; of a pair the longer gives way, and what is cut is counted
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    cleaning = text_cleaning.read_rules(data.cleaning_file) if data.cleaning_file else None
    if finder:
        tokenizer, encoder, rule = finder.tokenizer, finder.encoder, finder.rule
        encoder.label2id, encoder.multi_label, encoder.scores = names["label2id"], multi_label, regression
    else:
        source = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
        tokenizer, config = tokenization.load_tokenizer(source, **loading)
        special = len(tokenization.SpecialTokens.of(tokenizer, pair=pair))
        data.fit_length(tokenization.longest_input(tokenizer, config), special=special, texts=1 + pair)
        encoder = text_inputs.TextEncoder(
            tokenizer,
            max_length=data.max_length,
            pair=pair,
            label2id=names["label2id"],
            multi_label=multi_label,
            clean=text_cleaning.TextCleaner(cleaning) if cleaning else str,
            scores=regression,
        )
        rule = None if regression else DecisionRule(labels, multi_label, positive=positive)
    deciding = {"temperature": decisions.temperature_scaling, "tuning": decisions.tuning}
    if regression:
        task = text_tasks.TextScores()
    else:
        task = text_tasks.TextClasses(rule, **deciding, separator=data.label_separator)
        if about := not multi_label and positive_labels.describe_positive(labels, rule.positive):
            logger.info("%s", about)
    encoded, evaluators = {}, {}
    for split, rows in dataset.items():
        encoded[split] = once(encoded_dataset.encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, text_inputs.describe_inputs(encoded[split]))
        if split != "train":
            evaluators[split] = task.watch(encoded[split])

    # ---- 3. Model: the stock class, or our pooled classifier on the encoder
    problem = "regression" if regression else f"{'multi' if multi_label else 'single'}_label_classification"
    settings = {"problem_type": problem, **names}
    settings |= {"input_length": data.max_length, "takes_pairs": pair, "text_cleaning": cleaning}
    settings["data_reading"] = once(reader.remember)  # so that prediction reads files as training did

    def load_model():
        transformers.set_seed(training.seed)
        if finder:
            return finder.model
        model = load_classifier(source, loading=loading, **head.body(), **settings)
        if regression and getattr(config, "problem_type", None) != "regression":  # what has learnt keeps its bias
            start_at(model, sum(label_ids) / len(label_ids))  # their mean: differences are left to learn
        return adapter.add_to(model, base.model_name_or_path, loading=loading)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    loss, sampler = None, None
    if training.do_train:
        label_ids = encoded["train"]["labels"][:]
        shaping = head.shaping(label_smoothing=training.label_smoothing_factor)
        if regression:
            loss = losses.ScoreLoss(huber=head.loss == "huber")
        elif multi_label:
            loss = losses.LabelLoss.fit(label_ids, **shaping)
        else:
            loss = losses.ClassLoss.fit(label_ids, len(labels), adjustment=head.logit_adjustment, **shaping)
            sampler = class_sampler.ClassSampler.choose(head.class_sampling, encoded["train"], seed=training.seed)

    divergence = regularized_dropout.label_divergence if multi_label else regularized_dropout.class_divergence
    divergence = regularized_dropout.score_divergence if regression else divergence

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            divergence=divergence,
            train_sampler=sampler,
            train_dataset=encoded.get("train"),
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=collators.TextCollator(tokenizer),
            compute_loss_func=loss,
            compute_metrics=evaluators.get("validation"),
        )

    # ---- 5. Train, evaluate, predict
    if training.do_train:
        trainer, results = train_and_save(build, training, output_dir)
    else:
        training.eval_strategy = "no"
        trainer, results = build(batch_size.Batches.of(training)), {}
    trainer.compute_metrics = None
    report, counts, errors = {}, {}, {}
    for split, evaluator in evaluators.items():
        key = "eval" if split == "validation" else split
        outputs = trainer.predict(encoded[split], metric_key_prefix=key)
        logits = evaluator.logits(outputs.predictions)
        if split == "validation" and training.do_train:
            logger.info("%s", task.tune(logits, evaluator))
        answers = task.answer(split, dataset[split], evaluator, logits, train=dataset.get("train"))
        if answers.report:
            report[split], counts[split], errors[split] = answers.report, answers.counts, answers.errors
            results |= outputs.metrics | {f"{key}_{name}": value for name, value in answers.report["scores"].items()}
            logger.info("\n%s\n", answers.shown)
        else:
            logger.info("%s: no labels, predicted only", split)
    if trainer.is_world_process_zero():
        given = [head, decisions, data, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            trainer.model.config.update(task.decision())
            complete(output_dir, trainer, card=task.card(record, report["validation"]))
        left = {"predictions.jsonl": answers.lines}  # of the last split: test, if there is one
        if split == "test":
            left["submission.csv"] = answers.submission
        left |= {"report.json": report, example_counts.NAME: counts, "all_results.json": results}
        left |= pages(record, errors, trainer.state)  # error_report.html, curves.png
        atomic_files.write_files(output_dir, left | {"run.json": record})
        hub.push(output_dir, destination)
        trained = base.model_name_or_path if finder else output_dir
        logger.info("\n%s\n", describe_run(record, errors, trainer.state, trained=trained))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
