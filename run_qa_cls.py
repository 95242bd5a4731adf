"""Train, evaluate and ask an FAQ classifier: which office, or which canned answer, does a question belong to?

    python run_qa_cls.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 1e-3 --num_train_epochs 15 \\
        --train_file data/faq_sample/questions.txt --output_dir outputs/faq --ask "想申请停车证，要找谁"
    python run_qa_cls.py --model_name_or_path outputs/faq --ask "想申请停车证，要找谁"

The first command reads `answer question` lines, holds out a tenth by class, and prints one line per epoch, scores with
ranks (hits@3, MRR), how sure the model must be to answer (risk and coverage), and the most probable answers to --ask
(half a minute on two CPU cores). The second asks the saved model. --output_dir holds the model, its card, scores,
predictions and the record of the run.
"""

import logging
import shlex
from functools import partial

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS, ClassifierArguments
from utils.options.faq_arguments import FaqArguments
from utils.options.shared_arguments import ModelArguments, TeacherArguments, TextArguments, TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    own = FaqArguments, ClassifierArguments, TextArguments, ModelArguments, AdapterArguments
    own += TrickArguments, TeacherArguments
    parsed = arguments.parse_arguments(*own, argv=argv, description=__doc__, defaults=CLASSIFIER_DEFAULTS)
    faq, head, data, base, adapter, *_, chosen = parsed
    arguments.check_use(parsed, trains=data.trains)
    arguments.check_labels(parsed, "single_label_classification")
    only_asks = not (data.trains or data.validation_file or data.test_file)
    if only_asks and not (faq.ask or faq.ask_file):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --ask")

    # Imported here so that --help and wrong flags answer at once.
    from utils.data.splits import split_by_class
    from utils.encoding import collators, text_inputs
    from utils.modeling.text_classifier import load_classifier
    from utils.prediction import label_finder, verdict_lines
    from utils.reading import class_readers, readers_text, task_columns, text_cleaning
    from utils.running.processes import once
    from utils.scoring.decisions import DecisionRule
    from utils.tasks import answers, run_folder, split_data, text_labels, text_tasks
    from utils.tasks.cross_validation import cross_validate
    from utils.tasks.crossed_tasks import CrossedClasses
    from utils.tasks.starting_point import StartingPoint
    from utils.training import losses, samplers

    run = run_folder.open_run(parsed, folder=not only_asks)
    questions = class_readers.read_questions(faq.ask_file, faq.ask, encoding=data.encoding)
    load_finder = partial(text_labels.load_answerer, base.model_name_or_path, revision=base.model_revision)
    if only_asks:
        shown, counted = verdict_lines.answer_questions(load_finder(), questions, top_k=faq.top_k)
        logger.info("%s\n", shown)
        return counted

    # ---- 1. Data: every format becomes rows of id, text (the question), label (the answer)
    reader = readers_text.TextReader(**data.reading(), text_pair_column="none", plain="faq")
    dataset = split_data.read_training(data, load=reader.load, read=reader.read)
    run.check_splits(dataset)
    finder = None if "train" in dataset else load_finder()
    labels = finder.rule.labels if finder else task_columns.list_answers(dataset["train"])
    dataset = split_data.add_evaluation(
        dataset,
        data,
        read=lambda path, split: reader.read(path, labels=labels, allow_empty=split == "test"),
        hold_out=split_by_class,
        test_share=faq.test_share,
        seed=chosen.seed,
        **run.holding,
    )
    task_columns.refuse_several(dataset)
    dataset = run.take_teacher(dataset, labels, remembered=None if finder else once(reader.remember))
    label2id = {label: i for i, label in enumerate(labels)}
    rule = finder.rule if finder else DecisionRule(labels)
    known = {"rule": rule, "tune": not finder, "accuracy": faq.target_accuracy, "top_k": faq.top_k}
    if data.crosses:
        task = text_tasks.QuestionClasses({}, **known)
        return cross_validate(main, argv, run, dataset, CrossedClasses(task, label2id))
    if not finder:
        task_columns.require_labels(dataset)
        logger.info("%s", task_columns.describe_rare(dataset["train"], labels, fewer_than=faq.rare_class_rows))

    # ---- 2. Tokenise: questions, rewritten by the template; what is too long is cut and counted
    cleaning, clean = text_cleaning.read_cleaning(data.cleaning_file)
    if finder:
        tokenizer, encoder = finder.tokenizer, finder.encoder
    else:
        start = StartingPoint.load(base, adapter)
        tokenizer = start.tokenizer
        data = data.fit_length(start.longest, special=start.special(), texts=1)
        template = faq.question_template or "{text}"
        encoder = text_inputs.TextEncoder(tokenizer, data.max_length, pair=False, clean=clean, template=template)
    encoder.label2id = label2id
    encoded = run.encode(dataset, encoder, describe=text_inputs.describe_inputs)
    task = text_tasks.QuestionClasses(encoded, **known)

    # ---- 3. Model: the stock class, or our classifier with other kinds of pooling, on the encoder
    reading = once(reader.remember)  # so that prediction reads files as training did

    def load_model():
        if finder:
            return finder.model
        model = load_classifier(
            start.path,
            loading=start.loading,
            problem_type="single_label_classification",
            id2label=dict(enumerate(labels)),
            label2id=label2id,
            takes_pairs=False,
            input_length=data.max_length,
            text_cleaning=cleaning,
            text_template=faq.question_template,
            data_reading=reading,
            **head.body(),
        )
        return start.adapt(model)

    # ---- 4. Train: rare answers may have more weight, or be drawn more often
    teaching = {"processing_class": tokenizer, "data_collator": collators.TextCollator(tokenizer)}
    if finder:
        teaching["data_collator"] = finder.collate
    else:
        ids, shaping = encoded["train"]["labels"][:], head.shaping(label_smoothing=chosen.label_smoothing_factor)
        loss = losses.ClassLoss.fit(ids, len(labels), adjustment=head.logit_adjustment, **shaping)
        sampler = samplers.ClassSampler.choose(head.class_sampling, encoded["train"], seed=chosen.order_seed)
        teaching |= {"compute_loss_func": loss, "train_sampler": sampler}
        teaching["divergence"] = loss.divergence
    trainer, results = run.learn(load_model, encoded, task.evaluators.get("validation"), **teaching)

    # ---- 5. Predict, tune when to answer, answer --ask, and write the results
    found = answers.answer_splits(trainer, dataset, encoded, task)
    results |= found.results
    if questions:
        asking = label_finder.LabelFinder(trainer.model.eval(), tokenizer, encoder=encoder, rule=task.rule)
        shown, counted = verdict_lines.answer_questions(asking, questions, top_k=faq.top_k)
        logger.info("%s\n", shown)
        results |= counted
    folder = shlex.quote(str(base.model_name_or_path if finder else run.output_dir))
    told = {"settled": [data], "command": f'python run_qa_cls.py --model_name_or_path {folder} --ask "..."'}
    run.leave(results, trainer=trainer, learnt=not finder, task=task, found=found, **told)
    return results


if __name__ == "__main__":
    arguments.run_script(main)
