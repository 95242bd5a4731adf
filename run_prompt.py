"""Ask a masked-language model: fill blanks, classify texts and find entities, without or with few examples.

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

The first prints the most probable words, the second the probabilities of the classes and the words that made them.
The third draws 16 examples of each class, tunes the model on them (with --adapter lora --learning_rate 2e-3 half a
percent of its weights) and scores it; without --train_file it is asked as it is, zero-shot. The fourth finds label
words for the next run, the fifth asks about the spans of a text. Each takes less than half a minute on two CPU cores.
--output_dir holds predictions, scores and the record of the run, and the tuned model, which predict.py serves.
"""

import logging
import time

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS
from utils.options.prompt_arguments import PromptArguments
from utils.options.shared_arguments import ModelArguments, PairArguments, TrickArguments
from utils.options.tag_files import TagArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = PromptArguments, PairArguments, TagArguments, ModelArguments, AdapterArguments
    telling = {"description": __doc__, "defaults": CLASSIFIER_DEFAULTS}
    parsed = arguments.parse_arguments(*ours, TrickArguments, argv=argv, **telling)
    prompt, data, tagging, base, adapter, flags, training = parsed
    trains = bool(data.train_file) and not prompt.search
    arguments.check_use(parsed, trains=trains)
    given = {"train_file": data.train_file, "test_file": data.test_file, "given": training.given}
    prompt.check(tunes=trains, moves_embeddings=flags.fgm_epsilon > 0, **given)
    prompt.check_adapter(adapter.adapter)
    adapter.check(flags, training, trains=trains)
    training = training.build(**adapter.changes(), do_train=trains)

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.encoding import encoded_dataset, text_inputs, tokenization
    from utils.files import prompt_files
    from utils.modeling.cloze_classifier import ClozeClassifier, is_masked_lm, load_masked_lm
    from utils.prediction import cloze_lines
    from utils.prediction.label_finder import LabelFinder
    from utils.prediction.merged_models import start_of
    from utils.prompting import blanks, cloze_inputs, templates, verbalizers
    from utils.prompting.errors import PromptError
    from utils.reading import text_cleaning
    from utils.reporting import task_cards
    from utils.reporting.run_summary import describe_run, pages
    from utils.running import atomic_files, config_files, hub, run_setup, seed_runs
    from utils.running.output_folder import open_output_dir
    from utils.running.processes import once
    from utils.scoring import example_counts
    from utils.tasks import prompt_search, prompt_tasks
    from utils.training import batch_size, losses, regularized_dropout, tricks
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    if prompt.splits > 1:
        seeds = range(training.seed, training.seed + prompt.splits)
        return seed_runs.run_seeds(main, argv, seeds=seeds, output_dir=training.output_dir)
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    source = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
    tokenizer, config = tokenization.load_tokenizer(source, **loading)
    kind = transformers.PreTrainedConfig.get_config_dict(source, revision=base.model_revision)[0].get("model_type")
    if not is_masked_lm(config) or (kind != config.model_type and (prompt.text or prompt.fill)):
        raise ArgumentError(
            f"{base.model_name_or_path}: expected a masked-language model, found {kind}; "
            "a trained directory is asked by predict.py"
        )
    longest = tokenization.longest_input(tokenizer, config)
    if prompt.fill:
        with arguments.refusing(ValueError):  # no blank, or no output layer that fills it
            model = load_masked_lm(source, loading=loading).eval()
            limits = {"top_k": prompt.top_k, "max_length": longest}
            found = [(text, blanks.fill_blanks(model, tokenizer, text, **limits)) for text in prompt.fill]
        logger.info("%s", "\n\n".join(cloze_lines.filling_text(*each) for each in found))
        if prompt.output_file:
            lines = "".join(cloze_lines.filling_line(*each) for each in found)
            once(atomic_files.write_text, prompt.output_file, lines)
        return {}
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    if not any(files.values()) and not prompt.text:
        raise ArgumentError("nothing to do: give --fill, --text, --train_file, --validation_file or --test_file")
    with arguments.refusing(PromptError):
        asked = templates.read_templates(prompt.template)
        words, verbalizer = [[]], None
        if prompt.search != "words":
            verbalizer = verbalizers.read_verbalizer(prompt_files.read_label_words(prompt.verbalizer))
            words = [verbalizer.encode(tokenizer, spaced=template.spaced) for template in asked]
    pair, spans = "text_pair" in asked[0].fields, "span" in asked[0].fields
    labels = verbalizer.labels if verbalizer else []
    soft = any(template.soft for template in asked)
    prompt.check_templates(soft=soft, pair=pair, spans=spans, tunes=training.do_train, given=training.given)
    if any(files.values()) and not prompt.search:
        output_dir = open_output_dir(training, model=base.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: rows of id, text, text_pair (of pairs), label; or of id, text, entities, and questions about spans
    tag_reading = tagging.reading(training, used=spans)
    if spans:
        reading = {name: getattr(data, name) for name in ("file_format", "encoding", "skip_bad_lines")}
        own = {"kind": prompt.candidates, "max_length": prompt.max_span_length, "negatives": prompt.negatives}
        own |= {"threshold": prompt.entity_threshold, "share_texts": prompt.share_texts, "seed": training.seed}
        task = prompt_tasks.EntityTask(labels, **own, trains=training.do_train, **reading, **tag_reading)
    else:
        own = {"pair": pair, "top_k": prompt.top_k, "positive_label": prompt.positive_label}
        task = prompt_tasks.ClassTask(labels, **own, trains=training.do_train, **data.reading())
    read = files | {"prior": prompt.prior_file}
    dataset = {split: once(task.read, path, split) for split, path in read.items() if path}
    if training.do_train and "validation" not in dataset and not prompt.few_shot:
        share = {"validation_share": data.validation_share, "seed": training.seed}
        dataset["train"], dataset["validation"] = task.split(dataset["train"], **share)
        once(atomic_files.write_json, output_dir / "validation_ids.json", dataset["validation"]["id"][:])
    if prompt.few_shot:
        dataset["train"] = task.draw(dataset["train"], prompt.few_shot, seed=training.seed)
        if not prompt.search:
            once(atomic_files.write_json, output_dir / "train_ids.json", dataset["train"]["id"][:])
    dataset = {split: dataset[split] for split in read if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))

    # ---- 2. Tokenise: each question in each template, with as many masks as the words have tokens
    data.fit_length(longest, special=0, texts=1 + pair)
    cleaning = text_cleaning.read_rules(data.cleaning_file) if data.cleaning_file else None
    preparing = {"max_length": data.max_length, "clean": text_cleaning.TextCleaner(cleaning) if cleaning else str}
    if prompt.search:
        on = {"batch_size": training.per_device_eval_batch_size, "device": training.device, "loading": loading}
        examples = dataset["train"], dataset.get("validation")
        search = prompt_search.PromptSearch(source, tokenizer, *examples, **preparing, **on)
        with arguments.refusing(ValueError):
            found = search.run(prompt.search, asked, verbalizer, **prompt.searching(seed=training.seed))
        logger.info("%s", found.shown)
        once(config_files.write_config, prompt.output_file, found.flags, comment=found.shown)
        return {}
    label2id = {label: i for i, label in enumerate(labels)}
    with arguments.refusing(PromptError):
        encoders = [
            cloze_inputs.ClozeEncoder(
                tokenizer,
                template,
                lengths=verbalizers.token_counts(known),
                soft_start=config.vocab_size,
                label2id=label2id,
                **preparing,
            )
            for template, known in zip(asked, words, strict=True)
        ]
    encoded, evaluators = {}, {}
    for split, rows in ((split, dataset[split]) for split in files if split in dataset):
        questions = task.ask(rows, learn=split == "train")
        encoded[split] = once(encoded_dataset.encode_dataset, questions, encoders[0], by_length=split != "train")
        logger.info("%s: %s", split, text_inputs.describe_inputs(encoded[split]))
        if split in ("validation", "test"):
            evaluators[split] = task.watch(rows, questions, encoded[split])

    # ---- 3. Model: the masked-language model, and which of its words stand for which class
    settings = {"problem_type": "single_label_classification", "label2id": label2id, "aggregation": prompt.aggregation}
    settings |= {"id2label": dict(enumerate(labels)), "mask_token_id": tokenizer.mask_token_id}
    settings |= {"input_length": data.max_length, "text_cleaning": cleaning, **task.fields}
    settings |= {"soft_encoder": prompt.soft_encoder, "soft_layers": prompt.soft_layers}

    def load_model(k=0):
        transformers.set_seed(training.seed)
        own = {"template": asked[k].pattern, "words": [[word.label, word.weight, [*word.ids]] for word in words[k]]}
        own |= {"soft_words": encoders[k].soft_words, "loading": loading}
        with arguments.refusing(ValueError):  # no trained output layer
            model = ClozeClassifier.from_encoder(source, **own, **settings)
        if prompt.tune == "soft":
            model.freeze_encoder()
        return adapter.add_to(model, base.model_name_or_path, loading=loading)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    hidden_share = 0.15 if prompt.mlm_weight else 0.0
    loss = losses.ClassLoss(label_smoothing=training.label_smoothing_factor)

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            divergence=regularized_dropout.class_divergence,
            train_dataset=encoded["train"],
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=cloze_inputs.ClozeCollator(tokenizer, encoders[0].lengths, hidden_share, training.seed),
            compute_loss_func=losses.ClozeLoss(loss, prompt.mlm_weight),
            compute_metrics=evaluators.get("validation"),
        )

    # ---- 5. Train, evaluate, predict
    batches, results, report, counts, errors = batch_size.Batches.of(training), {}, {}, {}, {}
    if training.do_train:
        if "validation" not in dataset:
            training.eval_strategy, training.load_best_model_at_end = "no", False
        trainer, results = train_and_save(build, training, output_dir)
        models, state = [trainer.model.eval()], trainer.state
    else:
        models, state = [load_model(k).to(training.device).eval() for k in range(len(asked))], None
    bf16 = training.bf16 and not training.do_train  # a model that is saved keeps its digits
    finders = [
        LabelFinder(model, tokenizer, encoder=encoder, bf16=bf16, batch_size=batches.evaluation)
        for model, encoder in zip(models, encoders, strict=True)
    ]
    named = [[(word.text, word.label) for word in known] for known in words]
    with arguments.refusing(PromptError):
        task.join(finders, named, by_batch=prompt.calibrate == "batch")
    if prompt.calibrate in ("content_free", "prior"):
        task.calibrate(dataset.get("prior"))
    if prompt.template_weights == "validation":
        weights = task.weigh(dataset["validation"], evaluators["validation"])
        for weight, template in zip(weights, asked, strict=True):
            logger.info("%.3f  %s", weight, template.pattern)
    for split, evaluator in evaluators.items():
        tune = split == "validation" and training.do_train
        answers = task.score(split, dataset[split], evaluator, tune=tune, train=dataset.get("train"))
        if answers.report:
            report[split], counts[split], errors[split] = answers.report, answers.counts, answers.errors
            key = "eval" if split == "validation" else split
            results |= {f"{key}_{name}": value for name, value in answers.report["scores"].items()}
            logger.info("\n%s\n", answers.shown)
    if prompt.text:
        explained = task.explain(prompt.text, prompt.text_pair)
        logger.info("%s", "\n\n".join(shown for shown, _ in explained))
        if prompt.output_file:
            once(atomic_files.write_text, prompt.output_file, "".join(line for _, line in explained))
    if any(files.values()) and training.process_index == 0:
        given = [prompt, data, tagging, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            trainer.model.config.update(task.decision())
            complete(output_dir, trainer, card=task_cards.cloze_card(record, report=report, spans=spans))
        left = {"predictions.jsonl": answers.lines} if evaluators else {}  # of the last split: test, if there is one
        left |= {"report.json": report, example_counts.NAME: counts, "all_results.json": results, "run.json": record}
        atomic_files.write_files(output_dir, left | pages(record, errors, state))
        hub.push(output_dir, destination)
        trained = output_dir if training.do_train else None
        logger.info("\n%s\n", describe_run(record, errors, state, trained=trained))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
