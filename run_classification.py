"""Train, score and apply a text classifier: one text or a pair, one label or several, on any encoder.

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
from dataclasses import dataclass
from functools import partial

from utils.training import arguments
from utils.training.adapter_arguments import AdapterArguments
from utils.training.arguments import ArgumentError, option

logger = logging.getLogger(__name__)


@dataclass
class DecisionArguments:
    """How probabilities become decisions; fitted to the validation data after training, kept in config.json."""

    _argument_group_name = "decisions"

    positive_label: str | None = option(
        None, "Of two classes the one that scores and threshold are about; the second."
    )
    temperature_scaling: bool = option(True, "Divide the logits so that probabilities mean what they say.")
    threshold_metric: str = option(
        "none",
        "Of two classes or several labels: move the threshold from 0.5 to where this is highest.",
        choices=["none", "f1", "accuracy", "mcc"],
    )
    threshold_scope: str = option(
        "one", "Several labels: a threshold for all, or each its own.", choices=["one", "each"]
    )
    target_precision: float | None = option(None, "Move it to where positives are right in this share of cases, 0-1.")
    positive_share: float | None = option(None, "Move it to where so many decisions are positive, 0-1.")

    def check(self) -> None:
        """Refuse values out of range, and wishes that contradict each other."""
        wishes = {"precision": self.target_precision, "share": self.positive_share}
        wishes["metric"] = None if self.threshold_metric == "none" else self.threshold_metric
        self.tuning = {name: value for name, value in wishes.items() if value is not None}
        if len(self.tuning) > 1:
            raise ArgumentError("--threshold_metric, --target_precision, --positive_share: expected one of them")
        if any(not isinstance(value, str) and not 0 < value < 1 for value in self.tuning.values()):
            raise ArgumentError("--target_precision, --positive_share: expected a number between 0 and 1")
        if self.threshold_scope == "each" and not self.tuning:
            raise ArgumentError("--threshold_scope each: expected what to tune for, add --threshold_metric f1")
        if self.tuning:
            self.tuning["per_label"] = self.threshold_scope == "each"


def main(argv=None):
    started = time.time()
    ours = arguments.ClassifierArguments, DecisionArguments, arguments.PairArguments, arguments.ModelArguments
    telling = {"description": __doc__, "defaults": arguments.CLASSIFIER_DEFAULTS}
    parsed = arguments.parse_arguments(*ours, AdapterArguments, arguments.TrickArguments, argv=argv, **telling)
    head, decisions, data, base, adapter, flags, training = parsed
    decisions.check()
    adapter.check(flags, training, trains=bool(data.train_file or data.dataset_name))

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import readers_text, splits, task_columns, text_cleaning
    from utils.data.errors import DataError
    from utils.encoding import collators, encoded_dataset, text_inputs, tokenization
    from utils.evaluation import calibration, class_lines, class_report, error_report, example_counts, model_card
    from utils.evaluation.class_evaluator import ClassEvaluator, positive_class
    from utils.evaluation.decisions import DecisionRule
    from utils.evaluation.label_finder import LabelFinder
    from utils.evaluation.run_summary import describe_run, pages
    from utils.modeling.text_classifier import load_classifier
    from utils.modeling.weight_files import require_safetensors
    from utils.training import atomic_files, batch_size, class_sampler, hub, losses, run_setup, tricks
    from utils.training.processes import once

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    with training.main_process_first(desc="prepare the output folder"):
        how = {"resume": training.resume_from_checkpoint, "overwrite": flags.overwrite_output_dir}
        output_dir = run_setup.prepare_output_dir(training.output_dir, **how)

    # ---- 1. Data: every format becomes rows of id, text, text_pair (of pairs), label or labels
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    columns = readers_text.TextColumns(data.text_column, data.text_pair_column, data.label_column, data.id_column)
    reading = {"columns": columns, "label_separator": data.label_separator, "skip_bad_lines": data.skip_bad_lines}
    dataset = {}
    if data.dataset_name:
        dataset = once(readers_text.load_classes, data.dataset_name, data.dataset_config_name, **reading)
    reading |= {"file_format": data.file_format, "class_file": data.class_file}
    if files["train"]:
        dataset["train"] = once(readers_text.read_classes, files["train"], **reading)
    training.do_train = "train" in dataset
    if not any(files[split] or split in dataset for split in files):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    finder = None
    if training.do_train:
        labels = readers_text.list_labels(dataset["train"])
        pair, multi_label = "text_pair" in dataset["train"].features, "labels" in dataset["train"].features
        if len(labels) < 2 - multi_label:
            raise DataError(f"the training data: expected two classes or more, found {', '.join(labels) or 'none'}")
    else:
        if decisions.tuning:
            raise ArgumentError(
                "thresholds are tuned after training; for a trained model predict.py takes --threshold"
            )
        finder = LabelFinder.load(base.model_name_or_path, revision=base.model_revision)
        labels, pair, multi_label = finder.rule.labels, finder.encoder.pair, finder.rule.multi_label
    head.check(multi_label=multi_label)
    if decisions.tuning and len(labels) > 2 and not multi_label:
        raise ArgumentError(f"thresholds are for two classes or several labels, but there are {len(labels)} classes")
    for split in ("validation", "test"):
        if files[split]:
            dataset[split] = once(readers_text.read_classes, files[split], **reading, labels=labels)
    if training.do_train and "validation" not in dataset:
        share = {"validation_share": data.validation_share, "seed": training.seed}
        dataset["train"], dataset["validation"] = splits.split_by_class(dataset["train"], **share)
        once(atomic_files.write_json, output_dir / "validation_ids.json", dataset["validation"]["id"][:])
    dataset = {split: dataset[split] for split in files if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        rows = task_columns.match_columns(rows, pair=pair, multi_label=multi_label, source=f"the {split} data")
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))
    kinds = "pairs of texts" if pair else "texts", "several labels each" if multi_label else "one label each"
    logger.info("%s with %s: %s", *kinds, ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else ""))
    if training.do_train:
        task_columns.require_labels(dataset)

    # ---- 2. Tokenise: whole texts; of a pair the longer gives way, and what is cut is counted
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    require_safetensors(base.model_name_or_path, revision=base.model_revision)
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    cleaning = text_cleaning.read_rules(data.cleaning_file) if data.cleaning_file else None
    if finder:
        tokenizer, encoder, rule = finder.tokenizer, finder.encoder, finder.rule
        encoder.label2id, encoder.multi_label = names["label2id"], multi_label
    else:
        tokenizer, config = tokenization.load_tokenizer(base.model_name_or_path, **loading)
        special = len(tokenization.SpecialTokens.of(tokenizer, pair=pair))
        data.fit_length(tokenization.longest_input(tokenizer, config), special=special, texts=1 + pair)
        encoder = text_inputs.TextEncoder(
            tokenizer,
            max_length=data.max_length,
            pair=pair,
            label2id=names["label2id"],
            multi_label=multi_label,
            clean=text_cleaning.TextCleaner(cleaning) if cleaning else str,
        )
        positive = None if multi_label else positive_class(labels, decisions.positive_label)
        rule = DecisionRule(labels, multi_label, positive=positive)
    encoded, evaluators = {}, {}
    for split, rows in dataset.items():
        encoded[split] = once(encoded_dataset.encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, text_inputs.describe_inputs(encoded[split]))
        if split != "train":
            evaluators[split] = ClassEvaluator(encoded[split], rule)

    # ---- 3. Model: the stock class, or our pooled classifier on the encoder
    settings = {"problem_type": f"{'multi' if multi_label else 'single'}_label_classification", **names}
    settings |= {"input_length": data.max_length, "takes_pairs": pair, "text_cleaning": cleaning}

    def load_model():
        transformers.set_seed(training.seed)
        if finder:
            return finder.model
        model = load_classifier(base.model_name_or_path, loading=loading, **head.body(), **settings)
        return adapter.add_to(model, base.model_name_or_path, loading=loading)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    loss, sampler = None, None
    if training.do_train:
        label_ids = encoded["train"]["labels"][:]
        shaping = head.shaping(label_smoothing=training.label_smoothing_factor)
        if multi_label:
            loss = losses.LabelLoss.fit(label_ids, **shaping)
        else:
            loss = losses.ClassLoss.fit(label_ids, len(labels), adjustment=head.logit_adjustment, **shaping)
            sampler = class_sampler.ClassSampler.choose(head.class_sampling, encoded["train"], seed=training.seed)

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            divergence=tricks.label_divergence if multi_label else tricks.class_divergence,
            train_sampler=sampler,
            train_dataset=encoded.get("train"),
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=collators.TextCollator(tokenizer),
            compute_loss_func=loss,
            compute_metrics=evaluators.get("validation"),
        )

    # ---- 5. Train, evaluate, predict
    batches = batch_size.Batches.of(training)
    if training.do_train:
        checkpoints = run_setup.checkpoints_to_try(training.resume_from_checkpoint, output_dir)
        trainer, results = batch_size.train_within_memory(build, batches, resume=partial(next, checkpoints))
    else:
        training.eval_strategy = "no"
        trainer, results = build(batches), {}
    trainer.compute_metrics = None
    report, counts, errors = {}, {}, {}
    for split, evaluator in evaluators.items():
        key = "eval" if split == "validation" else split
        outputs = trainer.predict(encoded[split], metric_key_prefix=key)
        logits = evaluator.logits(outputs.predictions)
        if split == "validation" and training.do_train:
            rule = calibration.tune_rule(
                rule, logits, evaluator.targets, temperature=decisions.temperature_scaling, **decisions.tuning
            )
            logger.info("decisions: %s", rule.describe())
        verdicts = rule.verdicts(logits)
        if evaluator.targets is None:
            logger.info("%s: no labels, predicted only", split)
        else:
            report[split] = evaluator.report(logits, rule)
            results |= outputs.metrics | {f"{key}_{name}": value for name, value in report[split]["scores"].items()}
            logger.info("\n%s\n", class_report.describe_scores(split, report[split], labels=labels))
            counts[split] = example_counts.of_verdicts(dataset[split], verdicts, rule)
            known = {"report": report[split], "train": dataset.get("train")}
            errors[split] = error_report.of_verdicts(dataset[split], verdicts, rule, **known)
    if trainer.is_world_process_zero():
        given = [head, decisions, data, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            trainer.model.config.decision = rule.to_config()
            card = model_card.class_card(record, report=report["validation"])
            run_setup.save_model(output_dir, trainer, card=card)
        lines = class_lines.prediction_lines(dataset[split], verdicts, multi_label=multi_label)
        left = {"predictions.jsonl": lines}  # of the last split: test, if there is one
        if split == "test":
            separator = data.label_separator
            left["submission.csv"] = class_lines.submission_lines(dataset[split], verdicts, separator=separator)
        left |= {"report.json": report, example_counts.NAME: counts, "all_results.json": results}
        left |= pages(record, errors, trainer.state)  # error_report.html, curves.png
        atomic_files.write_files(output_dir, left | {"run.json": record})
        hub.push(output_dir, destination)
        trained = base.model_name_or_path if finder else output_dir
        logger.info("\n%s\n", describe_run(record, errors, trainer.state, trained=trained))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
