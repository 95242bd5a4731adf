"""Train, score and apply a span question answering model: question and passage in, a part of the passage out.

    python run_qa_span.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 \\
        --train_file data/qa_sample/train.json --validation_file data/qa_sample/dev.json --output_dir outputs/qa
    python run_qa_span.py config.yaml --test_file test.json --n_best 5

Takes SQuAD 1 and 2 and CMRC 2018 files, flat JSON lines and parquet. Prints a line an epoch (bert-mini-zh learns from
some 15 windows of 256 sub-tokens a second on a CPU core), and leaves in --output_dir the model, its card, scores,
predictions and the record of the run. With a trained directory as model and no training data it scores
--validation_file and predicts --test_file.
"""

import logging
import time

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.answer_arguments import AnswerArguments
from utils.options.shared_arguments import ModelArguments, TrickArguments, WindowArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = AnswerArguments, WindowArguments, ModelArguments, AdapterArguments
    parsed = arguments.parse_arguments(*ours, TrickArguments, argv=argv, description=__doc__)
    qa, data, base, adapter, flags, training = parsed
    smoothing = training.label_smoothing_factor
    qa.check(r_drop=flags.r_drop_alpha, label_smoothing=smoothing, file_format=data.file_format)
    trains = bool(data.train_file or data.dataset_name)
    arguments.check_use(parsed, trains=trains)
    adapter.check(flags, training, trains=trains)
    training = training.build(**adapter.changes())

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import splits
    from utils.data.errors import DataError
    from utils.encoding import answer_windows, collators, encoded_dataset, tokenization
    from utils.modeling.label_rows import load_with_head
    from utils.prediction.answer_finder import MAX_ANSWER_LENGTH, AnswerFinder, answer_lines
    from utils.prediction.merged_models import start_of
    from utils.reading import readers_qa
    from utils.reporting import answer_errors, run_summary, task_cards
    from utils.running import atomic_files, hub, run_setup
    from utils.running.output_folder import open_output_dir
    from utils.running.processes import once
    from utils.scoring import answer_metrics, example_counts
    from utils.scoring.answer_evaluator import AnswerEvaluator
    from utils.training import batch_size, tricks
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    output_dir = open_output_dir(training, model=base.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: every format becomes rows of id, question, context, answers (character offsets)
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    reading = {"skip_bad_lines": data.skip_bad_lines}
    named = data.dataset_name, data.dataset_config_name
    dataset = once(readers_qa.load_qa, *named, **reading) if data.dataset_name else {}
    reading["encoding"] = data.encoding
    dataset |= {split: once(readers_qa.read_qa, path, **reading) for split, path in files.items() if path}
    training.do_train = "train" in dataset
    if not any(split in dataset for split in files):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    if training.do_train and "validation" not in dataset:
        share = {"validation_share": data.validation_share, "seed": training.seed}
        dataset["train"], dataset["validation"] = splits.split_by_text(
            dataset["train"], text_column="context", **share
        )
        once(atomic_files.write_json, output_dir / "validation_ids.json", dataset["validation"]["id"][:])
    dataset = {split: dataset[split] for split in files if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))
        if training.do_train and split != "test" and not readers_qa.is_labelled(dataset[split]):
            raise DataError(f"the {split} data: expected answers, found none; it is to be learnt or to choose by")
    if training.do_train:
        dataset["train"] = readers_qa.drop_unlearnable(dataset["train"])
    if qa.language == "auto":
        qa.language = answer_metrics.guess_language(next(iter(dataset.values()))["context"][:500])

    # ---- 2. Tokenise: windows of the question and a part of the passage, with the answer's first and last position
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    null_threshold, tune = qa.null_threshold, False
    if training.do_train:
        finder = None
        source = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
        tokenizer, config = tokenization.load_tokenizer(source, **loading)
        longest = tokenization.longest_input(tokenizer, config)
        qa.max_question_length = min(qa.max_question_length, min(data.max_length, longest) // 2)
        special = len(tokenization.SpecialTokens.of(tokenizer, pair=True)) + qa.max_question_length
        data.fit_windows(longest, special=special)
        cutting = {"max_question_length": qa.max_question_length, "stride": data.stride}
        encoder = answer_windows.AnswerEncoder(tokenizer, max_length=data.max_length, **cutting)
        qa.max_answer_length = qa.max_answer_length or MAX_ANSWER_LENGTH
        unanswerable = {split: readers_qa.has_unanswerable(dataset[split]) for split in ("train", "validation")}
        if null_threshold is None and any(unanswerable.values()):
            null_threshold, tune = 0.0, unanswerable["validation"]
    else:
        finder = AnswerFinder.load(base.model_name_or_path, revision=base.model_revision)
        tokenizer, encoder = finder.tokenizer, finder.encoder
        qa.max_answer_length = qa.max_answer_length or finder.max_answer_length
        null_threshold = finder.null_threshold if null_threshold is None else null_threshold
    encoded, evaluators = {}, {}
    for split, rows in dataset.items():
        encoded[split] = once(encoded_dataset.encode_dataset, rows, encoder, by_length=split != "train")
        report = answer_windows.AnswerReport.of(rows, encoded[split], limit=encoder.max_question_length)
        logger.info("%s: %s", split, report.describe())
        if split == "train" and qa.empty_windows == "drop":
            encoded[split] = answer_windows.drop_empty(rows, encoded[split])
            logger.info("train: %s windows are left to learn from", f"{len(encoded[split]):,}")
        if split != "train":
            evaluators[split] = AnswerEvaluator(
                rows,
                encoded[split],
                language=qa.language,
                max_answer_length=qa.max_answer_length,
                null_threshold=null_threshold,
                tune=tune and split == "validation",
            )

    # ---- 3. Model: the stock class, with a fresh layer of two scores, for start and end, on the encoder
    settings = {"num_labels": 2, "window_length": encoder.max_length, "window_stride": encoder.stride}
    settings |= {"max_question_length": encoder.max_question_length, "max_answer_length": qa.max_answer_length}

    def load_model():
        transformers.set_seed(training.seed)
        if finder:
            return finder.model
        config.update(settings)
        kind = transformers.AutoModelForQuestionAnswering
        model = load_with_head(kind, source, config=config, loading=loading)
        return adapter.add_to(model, base.model_name_or_path, loading=loading)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    training.label_names = ["start_positions", "end_positions"]

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            train_dataset=encoded.get("train"),
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=collators.TextCollator(tokenizer),
            compute_metrics=evaluators.get("validation"),
            preprocess_logits_for_metrics=lambda logits, label_ids: logits[:2],
        )

    # ---- 5. Train, evaluate, predict
    if training.do_train:
        trainer, results = train_and_save(build, training, output_dir)
    else:
        training.eval_strategy = "no"
        trainer, results = build(batch_size.Batches.of(training)), {}
    counts, errors = {}, {}
    for split, evaluator in evaluators.items():
        labelled = readers_qa.is_labelled(dataset[split])
        trainer.compute_metrics = evaluator if labelled else None
        if split == "test" and "validation" in evaluators:
            evaluator.null_threshold = evaluators["validation"].null_threshold
        outputs = trainer.predict(encoded[split], metric_key_prefix="eval" if split == "validation" else split)
        answers = evaluator.answers(outputs.predictions, n_best=qa.n_best)
        if labelled:
            results |= outputs.metrics
            counts[split] = evaluator.counts(answers)
            known = {"counts": counts[split], "scores": outputs.metrics}
            errors[split] = answer_errors.of_answers(dataset[split], answers, **known)
            logger.info("%s: %s", split, evaluator.describe(outputs.metrics))
        else:
            logger.info("%s: no labels, predicted only", split)
    if trainer.is_world_process_zero():
        given = [qa, data, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            trainer.model.config.null_threshold = evaluators["validation"].null_threshold
            complete(output_dir, trainer, card=task_cards.answer_card(record, language=qa.language))
        lines = answer_lines(dataset[split], answers, n_best=qa.n_best > 1)  # of the last split: test, if there is one
        left = {"predictions.jsonl": lines, example_counts.NAME: counts, "all_results.json": results}
        left |= run_summary.pages(record, errors, trainer.state)  # error_report.html, curves.png
        atomic_files.write_files(output_dir, left | {"run.json": record})
        hub.push(output_dir, destination)
        trained = base.model_name_or_path if finder else output_dir
        logger.info("\n%s\n", run_summary.describe_run(record, errors, trainer.state, trained=trained))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
