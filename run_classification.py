"""Train, evaluate and apply a text classifier: texts or pairs; one label, several labels, or a score; any encoder.

    python run_classification.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 \\
        --train_file data/review_sample/train.tsv --validation_file data/review_sample/dev.tsv --output_dir outputs/r
    python run_classification.py configs/thucnews_bert_mini.yaml --train_file thucnews/dev.txt

Prints one line per epoch and the scores of the best one, before and after its probabilities are calibrated on the
validation data (half a minute on two CPU cores for the first command). --output_dir then holds the model, its card,
scores, predictions (for test data also `submission.csv`) and the record of the run. With a trained directory as
model and no training data, it scores --validation_file and predicts --test_file.
"""

import logging
from functools import partial

from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS, ClassifierArguments
from utils.options.decision_arguments import DecisionArguments, LongTextArguments, SubmissionArguments
from utils.options.shared_arguments import ModelArguments, PairArguments, TeacherArguments, TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    ours = ClassifierArguments, DecisionArguments, LongTextArguments, SubmissionArguments, PairArguments
    ours += ModelArguments, AdapterArguments, TrickArguments, TeacherArguments
    parsed = arguments.parse_arguments(*ours, argv=argv, description=__doc__, defaults=CLASSIFIER_DEFAULTS)
    head, decisions, long, submission, data, base, adapter, *_, choices = parsed
    arguments.check_use(parsed, trains=data.trains)

    # Imported here so that --help and wrong flags answer at once.
    from utils.data import splits
    from utils.encoding import collators, text_inputs
    from utils.modeling.text_classifier import load_classifier
    from utils.prediction.label_finder import LabelFinder
    from utils.reading import readers_text, task_columns
    from utils.reading.text_cleaning import read_cleaning
    from utils.running.processes import once
    from utils.tasks import crossed_tasks, run_folder, split_data, text_labels, text_scores, text_tasks
    from utils.tasks.answers import answer_splits
    from utils.tasks.cross_validation import cross_validate
    from utils.tasks.starting_point import StartingPoint
    from utils.training import losses, samplers
    from utils.training.window_trainer import WindowTrainer

    run = run_folder.open_run(parsed)

    # ---- 1. Data: every format becomes rows of id, text, text_pair (for pairs), label or labels
    reader = readers_text.TextReader(**data.reading())
    dataset = split_data.read_training(data, load=reader.load, read=reader.read)
    run.check_splits(dataset)
    finder = None
    if "train" in dataset:
        target = text_labels.Target.of(dataset["train"], task=decisions.task, positive=decisions.positive_label)
        arguments.check_labels(parsed, target.rule.problem_type)
        if target.rule.problem_type == "single_label_classification":
            decisions.check_classes(target.labels, positive=target.rule.positive)
    else:
        finder = LabelFinder.load(base.model_name_or_path, revision=base.model_revision)
        target = text_labels.Target.known_to(finder)
    allowed = None if target.regression else target.labels
    dataset = split_data.add_evaluation(
        dataset,
        data,
        read=lambda path, split: reader.read(path, labels=allowed, allow_empty=split == "test"),
        hold_out=splits.split_by_text if target.regression else splits.split_by_class,
        seed=choices.seed,
        **run.holding,
    )
    reading = finder.reading if finder else once(reader.remember)
    dataset = run.take_teacher(target.match(dataset), target.labels, remembered=reading)
    logger.info("%s", target.describe())
    if not finder:
        task_columns.require_labels(dataset)
    writing = {"form": submission.fit(target.rule.columns, target.labels, reading)}
    if target.regression:
        make_task = partial(text_scores.TextScores, **writing)
    else:
        writing |= {"separator": data.label_separator, "tune": not finder, "tuning": decisions.tuning}
        temperature = decisions.temperature_scaling
        make_task = partial(text_tasks.TextClasses, rule=target.rule, temperature=temperature, **writing)
    if data.crosses:
        crossing = crossed_tasks.CrossedClasses(make_task({}), None if target.regression else target.label2id)
        return cross_validate(main, argv, run, dataset, crossing)

    # ---- 2. Tokenise: what is too long (of a pair, the longer text) is cut into windows, or cut off and counted
    cleaning, clean = read_cleaning(data.cleaning_file)
    if finder:
        tokenizer, encoder = finder.tokenizer, finder.encoder
    else:
        start = StartingPoint.load(base, adapter)
        tokenizer = start.tokenizer
        special = start.special(pair=target.pair)
        data = data.fit_length(start.longest, special=special, texts=1 + target.pair)
        windows = long.fit(data.max_length, special=special, pair=target.pair)
        encoder = text_inputs.TextEncoder(tokenizer, data.max_length, pair=target.pair, clean=clean, **windows)
    encoder.label2id = None if target.regression else target.label2id  # scores are numbers already
    encoded = run.encode(dataset, encoder, describe=text_inputs.describe_inputs)
    task = make_task(encoded)

    # ---- 3. Model: the stock class, or our classifier with other kinds of pooling, on the encoder
    settings = {"problem_type": target.rule.problem_type, "label2id": target.label2id}
    settings |= {"id2label": dict(enumerate(target.labels)), "takes_pairs": target.pair, "text_cleaning": cleaning}
    settings["data_reading"] = reading  # so that prediction reads files as training did
    label_ids = encoded["train"]["labels"][:] if not finder else None

    def load_model():
        if finder:
            return finder.model
        own = settings | {"input_length": data.max_length} | windows
        model = load_classifier(start.path, loading=start.loading, **head.body(), **own)
        if target.regression and getattr(start.config, "problem_type", None) != "regression":  # else it keeps its bias
            text_scores.start_at(model, sum(label_ids) / len(label_ids))  # so that it only learns differences
        return start.adapt(model)

    # ---- 4. Train: a loss for scores, for several labels, or for classes, of which rare ones may be drawn more often
    loss, sampler, shaping = None, None, head.shaping(label_smoothing=choices.label_smoothing_factor)
    if target.regression:
        loss = losses.ScoreLoss(huber=head.loss == "huber")
    elif target.rule.multi_label:
        loss = losses.LabelLoss.fit(label_ids, **shaping) if label_ids else None
    elif label_ids:
        loss = losses.ClassLoss.fit(label_ids, len(target.labels), adjustment=head.logit_adjustment, **shaping)
        sampler = samplers.ClassSampler.choose(head.class_sampling, encoded["train"], seed=choices.order_seed)
    trainer, results = run.learn(
        load_model,
        encoded,
        task.evaluators.get("validation"),
        trainer_class=WindowTrainer,
        pool=encoder.pool,
        divergence=loss and loss.divergence,
        train_sampler=sampler,
        processing_class=tokenizer,
        data_collator=finder.collate if finder else collators.TextCollator(tokenizer),
        compute_loss_func=loss,
    )

    # ---- 5. Predict, decide, score, and write the results
    found = answer_splits(trainer, dataset, encoded, task)
    results |= found.results
    told = {"settled": [data], "trained": base.model_name_or_path if finder else run.output_dir}
    run.leave(results, trainer=trainer, learnt=not finder, task=task, found=found, **told)
    return results


if __name__ == "__main__":
    arguments.run_script(main)
