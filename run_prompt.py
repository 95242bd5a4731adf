"""Ask a masked-language model: fill blanks, classify without or with few examples.

    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --fill "今天天气真[MASK]。"
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --template "{text}总的来说很{mask}。" \\
        --verbalizer "{positive: [好, 不错], negative: [差, 糟糕]}" --text "虽然上菜要等一个小时，但招牌菜很好。"
    python run_prompt.py --model_name_or_path pretrained/bert-mini-zh --template "{text}总的来说很{mask}。" \\
        --verbalizer "{positive: [好, 不错], negative: [差, 糟糕]}" --few_shot 16 --learning_rate 2e-4 \\
        --num_train_epochs 20 --per_device_train_batch_size 8 --output_dir outputs/prompt \\
        --train_file data/review_sample/train.tsv --test_file data/review_sample/dev.tsv

The first prints the most probable words, the second the probabilities of the classes and the words that made them.
The third draws 16 examples of each class, tunes the model on them and scores it; without --train_file it is asked as
it is, zero-shot. Label words may have any number of tokens. --output_dir holds predictions, scores and the record of
the run, and the tuned model, which predict.py serves.
"""

import logging
import time
from functools import partial

from utils.training import arguments
from utils.training.arguments import ArgumentError
from utils.training.prompt_arguments import PromptArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = PromptArguments, arguments.PairArguments, arguments.ModelArguments, arguments.TrickArguments
    parsed = arguments.parse_arguments(*ours, argv=argv, description=__doc__, defaults=arguments.CLASSIFIER_DEFAULTS)
    prompt, data, base, flags, training = parsed
    training.do_train = bool(data.train_file)
    prompt.check(tunes=training.do_train)

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import few_shot, prompt_files, readers_text, splits, text_cleaning
    from utils.data.errors import DataError
    from utils.encoding import encoded_dataset, text_inputs, tokenization
    from utils.evaluation import calibration, class_lines, class_report, cloze_lines, model_card
    from utils.evaluation.class_evaluator import ClassEvaluator
    from utils.evaluation.cloze_panel import ClozePanel
    from utils.evaluation.decisions import DecisionRule
    from utils.evaluation.label_finder import LabelFinder
    from utils.modeling.cloze_classifier import ClozeClassifier, is_masked_lm
    from utils.prompting import cloze_inputs, templates, verbalizers
    from utils.training import atomic_files, batch_size, losses, run_setup, tricks

    run_setup.set_up_logging(main_process=training.process_index == 0)
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    tokenizer, config = tokenization.load_tokenizer(base.model_name_or_path, **loading)
    if not is_masked_lm(config):
        raise ArgumentError(
            f"{base.model_name_or_path}: expected a masked-language model, found {config.model_type}; "
            "a trained directory is asked by predict.py"
        )
    longest = tokenization.longest_input(tokenizer, config)
    if prompt.fill:
        return fill(prompt, base.model_name_or_path, tokenizer, loading, longest=longest)
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    if not any(files.values()) and not prompt.text:
        raise ArgumentError("nothing to do: give --fill, --text, --train_file, --validation_file or --test_file")
    if not prompt.template or not prompt.verbalizer:
        raise ArgumentError("expected --template and --verbalizer")
    try:
        asked = [templates.Template(pattern) for pattern in prompt.template]
        verbalizer = verbalizers.read_verbalizer(prompt_files.read_label_words(prompt.verbalizer))
        words = [verbalizer.encode(tokenizer, spaced=template.spaced) for template in asked]
    except (templates.TemplateError, verbalizers.VerbalizerError) as error:
        raise ArgumentError(str(error)) from None
    pair = "text_pair" in asked[0].fields
    for template in asked:
        if set(template.fields) != {"text", *(["text_pair"] if pair else [])}:
            raise ArgumentError(
                f"--template {template.pattern}: expected {{text}}, and {{text_pair}} in all or in none"
            )
        if template.soft and not training.do_train:
            raise ArgumentError(f"--template {template.pattern}: trainable vectors need --train_file")
    if prompt.text and pair != bool(prompt.text_pair):
        raise ArgumentError(
            "the template has {text_pair}: expected --text_pair" if pair else "the template has no {text_pair}"
        )
    if any(files.values()):
        with training.main_process_first(desc="prepare the output folder"):
            resume = run_setup.wants_to_resume(training.resume_from_checkpoint)
            overwrite = flags.overwrite_output_dir
            output_dir = run_setup.prepare_output_dir(training.output_dir, resume=resume, overwrite=overwrite)

    # ---- 1. Data: every format becomes rows of id, text, text_pair (of pairs), label
    labels = verbalizer.labels
    columns = readers_text.TextColumns(data.text_column, data.text_pair_column, data.label_column, data.id_column)
    reading = {"columns": columns, "skip_bad_lines": data.skip_bad_lines, "labels": labels}
    reading |= {"file_format": data.file_format, "class_file": data.class_file}
    dataset = {split: readers_text.read_classes(path, **reading) for split, path in files.items() if path}
    if prompt.prior_file:
        dataset["prior"] = readers_text.read_classes(prompt.prior_file, **reading)
    for split, rows in dataset.items():
        if pair and "text_pair" not in rows.features:
            raise DataError(f"the {split} data: expected pairs of texts, as the template has places for")
    if training.do_train:
        if "label" not in dataset["train"].features:
            raise DataError("the training data: expected one label for each text, found none or several")
        if "validation" not in dataset and not prompt.few_shot:
            share = {"validation_share": data.validation_share, "seed": training.seed}
            dataset["train"], dataset["validation"] = splits.split_by_class(dataset["train"], **share)
            atomic_files.write_json(output_dir / "validation_ids.json", dataset["validation"]["id"][:])
        if prompt.few_shot:
            dataset["train"] = few_shot.draw_few(dataset["train"], prompt.few_shot, seed=training.seed)
            atomic_files.write_json(output_dir / "train_ids.json", dataset["train"]["id"][:])
    dataset = {split: dataset[split] for split in (*files, "prior") if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))

    # ---- 2. Tokenise: each text in each template, with as many masks as the words have tokens
    data.fit_length(longest, special=0, texts=1 + pair)
    cleaning = text_cleaning.read_rules(data.cleaning_file) if data.cleaning_file else None
    label2id = {label: i for i, label in enumerate(labels)}
    preparing = {"max_length": data.max_length, "soft_start": config.vocab_size, "label2id": label2id}
    preparing["clean"] = text_cleaning.TextCleaner(cleaning) if cleaning else str
    try:
        encoders = [
            cloze_inputs.ClozeEncoder(tokenizer, template, lengths=verbalizers.token_counts(known), **preparing)
            for template, known in zip(asked, words, strict=True)
        ]
    except templates.TemplateError as error:
        raise ArgumentError(str(error)) from None
    encoded, evaluators, rule = {}, {}, DecisionRule(labels)
    for split, rows in dataset.items():
        encoded[split] = encoded_dataset.encode_dataset(rows, encoders[0], by_length=split != "train")
        logger.info("%s: %s", split, text_inputs.describe_inputs(encoded[split]))
        if split in ("validation", "test"):
            evaluators[split] = ClassEvaluator(encoded[split], rule)

    # ---- 3. Model: the masked-language model, and which of its words stand for which class
    settings = {
        "problem_type": "single_label_classification",
        "label2id": label2id,
        "id2label": dict(enumerate(labels)),
    }
    settings |= {"input_length": data.max_length, "text_cleaning": cleaning, "mask_token_id": tokenizer.mask_token_id}
    settings["aggregation"] = prompt.aggregation

    def load_model(k=0):
        transformers.set_seed(training.seed)
        own = {"template": asked[k].pattern, "words": [[word.label, word.weight, [*word.ids]] for word in words[k]]}
        own |= {"soft_words": encoders[k].soft_words, "loading": loading}
        try:
            return ClozeClassifier.from_encoder(base.model_name_or_path, **own, **settings)
        except ValueError as error:
            raise ArgumentError(str(error)) from None

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            divergence=tricks.class_divergence,
            train_dataset=encoded["train"],
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=cloze_inputs.ClozeCollator(tokenizer, encoders[0].lengths),
            compute_loss_func=losses.ClassLoss(label_smoothing=training.label_smoothing_factor),
            compute_metrics=evaluators.get("validation"),
        )

    # ---- 5. Train, evaluate, predict
    batches, results, report = batch_size.Batches.of(training), {}, {}
    if training.do_train:
        if "validation" not in dataset:
            training.eval_strategy, training.load_best_model_at_end = "no", False
        checkpoints = run_setup.checkpoints_to_try(training.resume_from_checkpoint, output_dir)
        trainer, results = batch_size.train_within_memory(build, batches, resume=partial(next, checkpoints))
        models = [trainer.model.eval()]
    else:
        models = [load_model(k).to(training.device).eval() for k in range(len(asked))]
    finders = [
        LabelFinder(model, tokenizer, encoder=encoder, rule=rule, batch_size=batches.evaluation)
        for model, encoder in zip(models, encoders, strict=True)
    ]
    named = [[(word.text, word.label) for word in known] for known in words]
    panel = ClozePanel(finders, named, by_batch=prompt.calibrate == "batch")
    if prompt.calibrate == "content_free":
        panel.measure_priors([""], [""] if pair else None)
    elif prompt.calibrate == "prior":
        panel.measure_priors(*texts_of(dataset["prior"], pair=pair))
    for split, evaluator in evaluators.items():
        logits = panel.logits(*texts_of(dataset[split], pair=pair))
        if split == "validation" and training.do_train:
            rule = calibration.tune_rule(rule, logits, evaluator.targets, temperature=True)
        if evaluator.targets is not None:
            report[split] = evaluator.report(logits, rule)
            key = "eval" if split == "validation" else split
            results |= {f"{key}_{name}": value for name, value in report[split]["scores"].items()}
            logger.info("\n%s\n", class_report.describe_scores(split, report[split], labels=labels))
        verdicts = rule.verdicts(logits)
    if prompt.text:
        explained = panel.explain(prompt.text, prompt.text_pair, rule)
        shown = [cloze_lines.cloze_text(*each, top_k=prompt.top_k) for each in explained]
        tell(shown, [cloze_lines.cloze_line(*each) for each in explained], prompt.output_file)
    if any(files.values()) and training.process_index == 0:
        record = run_setup.describe_run(
            [prompt, data, base, flags, training], files=files.values(), started=started, results=results
        )
        if training.do_train:
            trainer.model.config.decision = rule.to_config()
            run_setup.save_model(output_dir, trainer, card=model_card.cloze_card(record, report=report))
            logger.info("%s holds the run; try: python predict.py %s --interactive", output_dir, output_dir)
        if evaluators:
            lines = class_lines.prediction_lines(dataset[split], verdicts, multi_label=False, top_k=prompt.top_k)
            atomic_files.write_text(
                output_dir / "predictions.jsonl", lines
            )  # of the last split: test, if there is one
        atomic_files.write_json(output_dir / "report.json", report)
        atomic_files.write_json(output_dir / "all_results.json", results)
        atomic_files.write_json(output_dir / "run.json", record)
    return results


def texts_of(dataset, *, pair: bool) -> tuple[list[str], list[str] | None]:
    """The texts of a split, and the second ones of pairs."""
    return dataset["text"][:], dataset["text_pair"][:] if pair else None


def fill(prompt, name_or_path, tokenizer, loading, *, longest: int) -> dict:
    """Show the most probable words of the blanks that were given."""
    from utils.evaluation.cloze_lines import filling_line, filling_text
    from utils.modeling.cloze_classifier import load_masked_lm
    from utils.prompting.blanks import BlankError, fill_blanks

    limits = {"top_k": prompt.top_k, "max_length": longest}
    try:
        model = load_masked_lm(name_or_path, loading=loading).eval()
        found = [(text, fill_blanks(model, tokenizer, text, **limits)) for text in prompt.fill]
    except BlankError as error:
        raise ArgumentError(f"--fill {error}") from None
    except ValueError as error:  # no masked-language model
        raise ArgumentError(str(error)) from None
    tell(
        map(filling_text, *zip(*found, strict=True)), map(filling_line, *zip(*found, strict=True)), prompt.output_file
    )
    return {}


def tell(texts, lines, output_file) -> None:
    """Log what is for people, and write the lines of JSON to a file if one was named."""
    from utils.training.atomic_files import write_text

    logger.info("%s", "\n\n".join(texts))
    if output_file:
        write_text(output_file, "".join(lines))


if __name__ == "__main__":
    arguments.run_script(main)
