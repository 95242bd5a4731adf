"""Train, evaluate and apply an extractive question answering model: the answer is a span of a given passage.

    python run_qa_span.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 \\
        --train_file data/qa_sample/train.json --validation_file data/qa_sample/dev.json --output_dir outputs/qa
    python run_qa_span.py configs/cmrc_bert_mini.yaml --train_file cmrc2018/trial.json --n_best 5

Takes SQuAD 1 and 2 and CMRC 2018 files, flat JSON lines and parquet. Prints one line per epoch (bert-mini-zh trains on
some 15 windows of 256 sub-tokens per second on a CPU core). --output_dir then holds the model, its card, scores,
predictions and the record of the run. With a trained directory as model and no training data, it scores
--validation_file and predicts --test_file.
"""

from dataclasses import replace
from functools import partial

from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.answer_arguments import AnswerArguments
from utils.options.shared_arguments import ModelArguments, TeacherArguments, TrickArguments, WindowArguments


def main(argv=None):
    parsed = arguments.parse_arguments(
        *(AnswerArguments, WindowArguments, ModelArguments, AdapterArguments, TrickArguments, TeacherArguments),
        argv=argv,
        description=__doc__,
    )
    qa, data, base, adapter, *_ = parsed
    arguments.check_use(parsed, trains=data.trains)

    # Imported here so that --help and wrong flags answer at once.
    from transformers import AutoModelForQuestionAnswering

    from utils.data.splits import split_by_text
    from utils.encoding import answer_windows
    from utils.encoding.collators import TextCollator
    from utils.modeling.label_rows import load_with_head
    from utils.prediction.answer_finder import MAX_ANSWER_LENGTH, AnswerFinder
    from utils.reading import readers_qa
    from utils.scoring.answer_metrics import choose_measure
    from utils.tasks import answer_tasks, answers, run_folder, split_data
    from utils.tasks.cross_validation import cross_validate
    from utils.tasks.crossed_tasks import CrossedAnswers
    from utils.tasks.starting_point import StartingPoint

    run = run_folder.open_run(parsed, label_names=["start_positions", "end_positions"])

    # ---- 1. Data: every format becomes rows of id, question, context, answers (character offsets)
    reading = {"skip_bad_lines": data.skip_bad_lines}
    read = partial(readers_qa.read_qa, encoding=data.encoding, **reading)
    dataset = split_data.read_training(data, load=partial(readers_qa.load_qa, **reading), read=read)
    run.check_splits(dataset)
    trains = "train" in dataset
    dataset = split_data.add_evaluation(
        dataset,
        data,
        read=lambda path, split: read(path),
        hold_out=partial(split_by_text, text_column="context"),
        seed=run.training.seed,
        **run.holding,
    )
    language = qa.language
    if language == "auto":
        language = choose_measure(next(iter(dataset.values()))["context"][:500])
    if data.crosses:
        crossing = CrossedAnswers(language=language, n_best=qa.n_best, null_threshold=qa.null_threshold)
        return cross_validate(main, argv, run, dataset, crossing)
    if trains:
        answer_tasks.require_answers(dataset)
        dataset["train"] = readers_qa.drop_unlearnable(dataset["train"])
    dataset = run.take_teacher(dataset)

    # ---- 2. Tokenise: windows of question and part of the passage, with the first and last position of the answer
    null_threshold, tune = qa.null_threshold, False
    if trains:
        start = StartingPoint.load(base, adapter)
        tokenizer, max_answer_length = start.tokenizer, qa.max_answer_length or MAX_ANSWER_LENGTH
        max_question_length = min(qa.max_question_length, min(data.max_length, start.longest) // 2)
        data = data.fit_windows(start.longest, special=start.special(pair=True) + max_question_length)
        encoder = answer_windows.AnswerEncoder(
            tokenizer, max_length=data.max_length, stride=data.stride, max_question_length=max_question_length
        )
        unanswerable = {split: readers_qa.has_unanswerable(dataset[split]) for split in ("train", "validation")}
        if null_threshold is None and any(unanswerable.values()):
            null_threshold, tune = 0.0, unanswerable["validation"]
    else:
        finder = AnswerFinder.load(base.model_name_or_path, revision=base.model_revision)
        tokenizer, encoder = finder.tokenizer, finder.encoder
        max_answer_length = qa.max_answer_length or finder.max_answer_length
        null_threshold = finder.null_threshold if null_threshold is None else null_threshold
    describe = partial(answer_windows.describe_windows, limit=encoder.max_question_length)
    encoded = run.encode(dataset, encoder, describe=describe)
    if trains and qa.empty_windows == "drop":
        encoded["train"] = answer_windows.drop_empty(dataset["train"], encoded["train"])
    scoring = {"max_answer_length": max_answer_length, "null_threshold": null_threshold, "tune": tune}
    task = answer_tasks.PassageAnswers(dataset, encoded, language=language, n_best=qa.n_best, **scoring)

    # ---- 3. Model: the stock class, with a new layer of two scores, for start and end, on the encoder
    def load_model():
        if not trains:
            return finder.model
        start.config.update(
            {
                "num_labels": 2,
                "window_length": encoder.max_length,
                "window_stride": encoder.stride,
                "max_question_length": encoder.max_question_length,
                "max_answer_length": max_answer_length,
            }
        )
        kind = AutoModelForQuestionAnswering
        return start.adapt(load_with_head(kind, start.path, config=start.config, loading=start.loading))

    # ---- 4. Train: the model's own loss, the mean cross-entropy of both positions
    trainer, results = run.learn(
        load_model,
        encoded,
        evaluate=task.evaluators.get("validation"),
        processing_class=tokenizer,
        data_collator=TextCollator(tokenizer),
        preprocess_logits_for_metrics=lambda logits, label_ids: logits[:2],
    )

    # ---- 5. Predict, choose answers, score, and write the results
    found = answers.answer_splits(trainer, dataset, encoded, task)
    results |= found.results
    lengths = {"max_answer_length": max_answer_length, "max_question_length": encoder.max_question_length}
    run.leave(
        results,
        trainer=trainer,
        learnt=trains,
        task=task,
        found=found,
        settled=[replace(qa, language=language, **lengths), data],
        trained=run.output_dir if trains else base.model_name_or_path,
    )
    return results


if __name__ == "__main__":
    arguments.run_script(main)
