"""Train, score and ask an FAQ classifier: which office, or which canned answer, does a question belong to?

    python run_qa_cls.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 1e-3 --num_train_epochs 15 \\
        --train_file data/faq_sample/questions.txt --output_dir outputs/faq --ask "想申请停车证，要找谁"
    python run_qa_cls.py --model_name_or_path outputs/faq --ask "想申请停车证，要找谁"

The first command reads `answer question` lines, holds out a tenth by class, prints a line an epoch, scores with ranks
(hits@3, MRR), how sure one must be to answer (risk and coverage), and the most probable answers to what is asked (half
a minute on two CPU cores). The second asks the saved run. --output_dir holds the model, its card, scores, predictions
and the record of the run.
"""

import logging
import shlex
import time
from collections import Counter

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS, ClassifierArguments
from utils.options.faq_arguments import FaqArguments
from utils.options.shared_arguments import ModelArguments, TextArguments, TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    own = FaqArguments, ClassifierArguments, TextArguments, ModelArguments
    telling = {"argv": argv, "description": __doc__, "defaults": CLASSIFIER_DEFAULTS}
    parsed = arguments.parse_arguments(*own, AdapterArguments, TrickArguments, **telling)
    faq, head, data, base, adapter, flags, training = parsed
    faq.check()
    head.check(multi_label=False)
    trains = bool(data.train_file or data.dataset_name)
    arguments.check_use(parsed, trains=trains)
    adapter.check(flags, training, trains=trains)
    training = training.build(**adapter.changes())

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import splits
    from utils.encoding import collators, encoded_dataset, text_inputs, tokenization
    from utils.modeling.text_classifier import load_classifier
    from utils.prediction import class_lines
    from utils.prediction.label_finder import LabelFinder
    from utils.prediction.merged_models import start_of
    from utils.reading import class_readers, readers_text, task_columns, text_cleaning
    from utils.reporting import class_report, error_report, task_cards
    from utils.reporting.run_summary import describe_run, pages
    from utils.running import atomic_files, hub, processes, run_setup
    from utils.running.output_folder import open_output_dir
    from utils.scoring import calibration, example_counts
    from utils.scoring.class_evaluator import ClassEvaluator
    from utils.scoring.decisions import DecisionRule
    from utils.training import batch_size, class_sampler, losses, regularized_dropout, tricks
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    questions = [(question, None) for question in faq.ask or []]
    if faq.ask_file:
        asked = class_readers.read_classes(faq.ask_file, encoding=data.encoding)
        expected = asked["label"][:] if "label" in asked.features else [None] * len(asked)
        questions += zip(asked["text"][:], expected, strict=True)
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    if not any(files.values()) and not data.dataset_name:
        if not questions:
            raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --ask")
        finder = LabelFinder.load(base.model_name_or_path, revision=base.model_revision)
        verdicts = finder.find([question for question, _ in questions])
        shown, counted = class_lines.describe_answers(questions, verdicts, top_k=faq.top_k)
        logger.info("%s\n", shown)
        return counted
    output_dir = open_output_dir(training, model=base.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: every format becomes rows of id, text (the question), label (the answer)
    reader, dataset = readers_text.TextReader(**data.reading(), text_pair_column="none", plain="faq"), {}
    if data.dataset_name:
        dataset = processes.once(reader.load, data.dataset_name, data.dataset_config_name)
    if files["train"]:
        dataset["train"] = processes.once(reader.read, files["train"])
    training.do_train = "train" in dataset
    finder = None if training.do_train else LabelFinder.load(base.model_name_or_path, revision=base.model_revision)
    labels = finder.rule.labels if finder else task_columns.list_answers(dataset["train"])
    for split in ("validation", "test"):
        if files[split]:
            dataset[split] = processes.once(reader.read, files[split], labels=labels, allow_empty=split == "test")
    for split, share in (("test", faq.test_share), ("validation", data.validation_share)):
        if training.do_train and split not in dataset and share:
            parts = splits.split_by_class(dataset["train"], validation_share=share, seed=training.seed)
            dataset["train"], dataset[split] = parts
            processes.once(atomic_files.write_json, output_dir / f"{split}_ids.json", dataset[split]["id"][:])
    dataset = {split: dataset[split] for split in files if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))
    if training.do_train:
        task_columns.require_labels(dataset)
        counts = Counter(dataset["train"]["label"][:])
        rare = [f"{label} ({counts[label]})" for label in labels if counts[label] < faq.rare_class_rows] or ["none"]
        logger.info("%d answers; with fewer than %d questions: %s", len(labels), faq.rare_class_rows, ", ".join(rare))

    # ---- 2. Tokenise: whole questions, rewritten by the template
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    cleaning = text_cleaning.read_rules(data.cleaning_file) if data.cleaning_file else None
    if finder:
        tokenizer, encoder, rule = finder.tokenizer, finder.encoder, finder.rule
        encoder.label2id = names["label2id"]
    else:
        source = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
        tokenizer, config = tokenization.load_tokenizer(source, **loading)
        special = len(tokenization.SpecialTokens.of(tokenizer, pair=False))
        data.fit_length(tokenization.longest_input(tokenizer, config), special=special, texts=1)
        encoder = text_inputs.TextEncoder(
            tokenizer,
            max_length=data.max_length,
            pair=False,
            label2id=names["label2id"],
            clean=text_cleaning.TextCleaner(cleaning) if cleaning else str,
            template=faq.question_template or "{text}",
        )
        rule = DecisionRule(labels)
    encoded, evaluators = {}, {}
    for split, rows in dataset.items():
        encoded[split] = processes.once(encoded_dataset.encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, text_inputs.describe_inputs(encoded[split]))
        if split != "train":
            evaluators[split] = ClassEvaluator(encoded[split], rule, ranking=True)

    # ---- 3. Model: the stock class, or our pooled classifier on the encoder
    settings = {"problem_type": "single_label_classification", "takes_pairs": False, **names}
    settings |= {"input_length": data.max_length, "text_cleaning": cleaning, "text_template": faq.question_template}
    settings["data_reading"] = processes.once(reader.remember)  # so that prediction reads files as training did

    def load_model():
        transformers.set_seed(training.seed)
        if finder:
            return finder.model
        model = load_classifier(source, loading=loading, **head.body(), **settings)
        return adapter.add_to(model, base.model_name_or_path, loading=loading)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    loss, sampler = None, None
    if training.do_train:
        shaping = head.shaping(label_smoothing=training.label_smoothing_factor)
        label_ids = encoded["train"]["labels"][:]
        loss = losses.ClassLoss.fit(label_ids, len(labels), adjustment=head.logit_adjustment, **shaping)
        sampler = class_sampler.ClassSampler.choose(head.class_sampling, encoded["train"], seed=training.seed)

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            divergence=regularized_dropout.class_divergence,
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
    trainer.compute_metrics, report, counts, errors = None, {}, {}, {}
    for split, evaluator in evaluators.items():
        key = "eval" if split == "validation" else split
        outputs = trainer.predict(encoded[split], metric_key_prefix=key)
        logits = evaluator.logits(outputs.predictions)
        if split == "validation" and training.do_train:
            rule = calibration.tune_answers(rule, logits, evaluator.targets, accuracy=faq.target_accuracy)
            logger.info("decisions: %s", rule.describe())
        verdicts = rule.verdicts(logits)
        if evaluator.targets is None:
            logger.info("%s: no answers, predicted only", split)
        else:
            report[split] = evaluator.report(logits, rule)
            results |= outputs.metrics | {f"{key}_{name}": value for name, value in report[split]["scores"].items()}
            logger.info("\n%s\n", class_report.describe_scores(split, report[split], labels=labels))
            counts[split] = example_counts.of_verdicts(dataset[split], verdicts, rule)
            known = {"report": report[split], "train": dataset.get("train")}
            errors[split] = error_report.of_verdicts(dataset[split], verdicts, rule, **known)
    if questions:
        asking = LabelFinder(trainer.model.eval(), tokenizer, encoder=encoder, rule=rule)
        answered = asking.find([question for question, _ in questions])
        shown, counted = class_lines.describe_answers(questions, answered, top_k=faq.top_k)
        logger.info("%s\n", shown)
        results |= counted
    if trainer.is_world_process_zero():
        given = [faq, head, data, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            trainer.model.config.decision = rule.to_config()
            complete(output_dir, trainer, card=task_cards.class_card(record, report=report["validation"]))
        lines = class_lines.prediction_lines(dataset[split], verdicts, multi_label=False, top_k=faq.top_k)
        left = {"predictions.jsonl": lines, "report.json": report}  # of the last split: test, if there is one
        left |= {example_counts.NAME: counts, "all_results.json": results, "run.json": record}
        atomic_files.write_files(output_dir, left | pages(record, errors, trainer.state))
        hub.push(output_dir, destination)
        trained = base.model_name_or_path if finder else output_dir
        command = f'python run_qa_cls.py --model_name_or_path {shlex.quote(str(trained))} --ask "..."'
        logger.info("\n%s\n", describe_run(record, errors, trainer.state, command=command))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
