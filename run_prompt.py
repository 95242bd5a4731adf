"""Prompt a masked-language model: fill blanks, classify texts and find entities, with no or few examples.

    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --fill "今天天气真[MASK]。"
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --template "{text}总的来说很{mask}。" \\
        --verbalizer "{positive: [好, 不错], negative: [差, 糟糕]}" --text "虽然上菜要等一个小时，但招牌菜很好。"
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --template "{text}总的来说很{mask}。" \\
        --verbalizer "{positive: [好, 不错], negative: [差, 糟糕]}" --few_shot 16 --learning_rate 2e-4 \\
        --num_train_epochs 20 --per_device_train_batch_size 8 --output_dir outputs/prompt \\
        --train_file data/review_sample/train.tsv --test_file data/review_sample/dev.tsv
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --search words \\
        --template "{text}总的来说很{mask}。" --train_file data/review_sample/train.tsv --output_file words.yaml
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --template "{text}{span}是一个{mask}{mask}。" \\
        --verbalizer "{name: 人名, company: 公司, O: [词语, 动作]}" --text "张伟在腾讯上班。"

The first command prints the most probable words, the second the probabilities of the classes and of their words. The
third draws 16 examples of each class, tunes the model on them (with --adapter lora --learning_rate 2e-3 only half a
percent of its weights) and scores it; without --train_file the model is used as it is, zero-shot. The fourth finds
label words for the next run, the fifth finds entities in a text. Each takes less than half a minute on two CPU cores.
--output_dir then holds predictions, scores, the record of the run, and the tuned model, which predict.py can use.
"""

import logging

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS
from utils.options.prompt_arguments import PromptArguments
from utils.options.shared_arguments import ModelArguments, PairArguments, TrickArguments
from utils.options.tag_files import TagArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    ours = PromptArguments, PairArguments, TagArguments, ModelArguments, AdapterArguments, TrickArguments
    parsed = arguments.parse_arguments(*ours, argv=argv, description=__doc__, defaults=CLASSIFIER_DEFAULTS)
    prompt, data, tagging, base, adapter, _, choices = parsed
    trains = bool(data.train_file) and not prompt.search
    arguments.check_use(parsed, trains=trains, used_with=prompt.always_used())
    files = [data.train_file, data.validation_file, data.test_file]
    if not (any(files) or prompt.text or prompt.fill):
        raise ArgumentError("nothing to do: give --fill, --text, --train_file, --validation_file or --test_file")

    # Imported here so that --help and wrong flags answer at once.
    from utils.encoding import text_inputs
    from utils.modeling.cloze_classifier import ClozeClassifier
    from utils.prediction.label_finder import LabelFinder
    from utils.prompting import cloze_inputs, errors
    from utils.reading import text_cleaning
    from utils.running import atomic_files, processes, seed_runs
    from utils.tasks import cloze_classes, cloze_entities, prompt_data, prompt_search, run_folder, split_data
    from utils.tasks.answers import SplitAnswers
    from utils.tasks.cross_validation import cross_validate
    from utils.tasks.starting_point import StartingPoint
    from utils.training import batch_size, losses, regularized_dropout

    run = run_folder.open_run(parsed, folder=False)
    if prompt.splits > 1:
        return seed_runs.run_seeds(main, argv, first=choices.seed, count=prompt.splits, output_dir=choices.output_dir)
    start = StartingPoint.load(base, adapter)
    prompt_data.require_masked_lm(start, asks=bool(prompt.text or prompt.fill) and not trains)
    if prompt.fill:
        prompt_data.fill_blanks(start, prompt.fill, top_k=prompt.top_k, output_file=prompt.output_file)
        return {}
    question = prompt_data.Question.read(start, prompt.template, prompt.verbalizer, searches=prompt.search == "words")
    prompt.check_templates(**question.about, tunes=trains, given=choices.given)
    if any(files) and not prompt.search:
        run.open_folder()

    # ---- 1. Data: rows of id, text, text_pair (for pairs), label; or of id, text, entities, and questions about spans
    told = {"trains": trains, **tagging.reading(choices, used=question.spans)}
    if question.spans:
        told |= {name: getattr(data, name) for name in ("file_format", "encoding", "skip_bad_lines", "group_column")}
        task = cloze_entities.ClozeEntities(question.labels, **prompt.spans(seed=choices.seed), **told)
    else:
        told |= {"pair": question.pair, "top_k": prompt.top_k, "positive_label": prompt.positive_label}
        task = cloze_classes.ClozeClasses(question.labels, **data.reading(), **told)
    dataset = prompt_data.read_rows(task, data, prompt, seed=choices.seed, folder=run.output_dir)
    if data.crosses:
        return cross_validate(main, argv, run, dataset, task.crossing(question.label2id))

    # ---- 2. Tokenise: each text in each template, with as many masks as the words have tokens
    data = data.fit_length(start.longest, special=0, texts=1 + question.pair)
    cleaning, clean = text_cleaning.read_cleaning(data.cleaning_file)
    preparing = {"max_length": data.max_length, "clean": clean}
    if prompt.search:
        on = {"batch_size": run.training.per_device_eval_batch_size, "device": run.training.device}
        on |= {"train": dataset["train"], "validation": dataset.get("validation"), "loading": start.loading}
        on |= {"aggregation": prompt.aggregation, **preparing}
        search = prompt_search.PromptSearch(start.path, start.tokenizer, **on)
        with arguments.refusing(ValueError):
            asked = prompt.search, question.templates, question.verbalizer
            result = search.run(*asked, **prompt.searching(seed=choices.seed))
        logger.info("%s", result.shown)
        processes.once(atomic_files.write_config, prompt.output_file, result.flags, comment=result.shown)
        return {}
    encoders = question.encoders(start, **preparing)
    asked = {split: task.ask(rows, learn=split == "train") for split, rows in dataset.items() if split != "prior"}
    encoded = split_data.encode_splits(asked, encoders[0], describe=text_inputs.describe_inputs)
    task.watch(dataset, asked, encoded)

    # ---- 3. Model: the masked-language model, with the words that stand for each class
    settings = {"problem_type": "single_label_classification", "mask_token_id": start.tokenizer.mask_token_id}
    settings |= {"input_length": data.max_length, "text_cleaning": cleaning, **task.fields, **prompt.body()}

    def load_model(k=0):
        own = {**settings, **question.body(k), "soft_words": encoders[k].soft_words}
        with arguments.refusing(ValueError):  # no trained output layer
            model = ClozeClassifier.from_encoder(start.path, loading=start.loading, **own)
        if prompt.tune == "soft":
            model.freeze_encoder()
        return start.adapt(model)

    # ---- 4. Train: the loss of the classes, plus that of other masked words
    if trains:
        hiding = 0.15 if prompt.mlm_weight else 0.0, choices.seed
        loss = losses.ClassLoss(label_smoothing=choices.label_smoothing_factor)
        trainer, results = run.learn(
            load_model,
            encoded,
            task.evaluators.get("validation"),
            divergence=regularized_dropout.class_divergence,
            processing_class=start.tokenizer,
            data_collator=cloze_inputs.ClozeCollator(start.tokenizer, encoders[0].lengths, *hiding),
            compute_loss_func=losses.ClozeLoss(loss, prompt.mlm_weight),
        )
        models = [trainer.model.eval()]
    else:
        trainer, results = None, {}
        models = [run.fresh(load_model, k).to(run.training.device).eval() for k in range(len(encoders))]

    # ---- 5. Ask, weigh, score, and write the results
    asking = {"bf16": run.training.bf16 and not trains}  # a model that is saved stays in full precision
    asking["batch_size"] = batch_size.Batches.of(run.training).evaluation
    pairs = zip(models, encoders, strict=True)
    finders = [LabelFinder(model, start.tokenizer, encoder=encoder, **asking) for model, encoder in pairs]
    with arguments.refusing(errors.PromptError):
        task.join(finders, question.shown_words, by_batch=prompt.calibrate == "batch")
    if prompt.calibrate in ("content_free", "prior"):
        task.calibrate(dataset.get("prior"))
    if prompt.template_weights == "validation":
        logger.info("%s", task.weigh(dataset["validation"], patterns=prompt.template))
    found = SplitAnswers()
    for split in task.evaluators:
        known = {"tune": split == "validation" and trains, "train": dataset.get("train")}
        found.add(split, task.score(split, dataset[split], **known))
    if prompt.text:
        prompt_data.explain(task, prompt.text, prompt.text_pair, output_file=prompt.output_file)
    results |= found.results
    if any(files):
        told = {"settled": [data], "trained": run.output_dir if trains else None}
        run.leave(results, trainer=trainer, learnt=trains, task=task, found=found, **told)
    return results


if __name__ == "__main__":
    arguments.run_script(main)
