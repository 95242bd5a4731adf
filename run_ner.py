"""Train, score and apply a named-entity tagger: softmax, CRF or span (nested) head on any encoder.

    python run_ner.py --model_name_or_path pretrained/bert-mini-zh --head crf --learning_rate 1e-3 \\
        --train_file data/ner_sample/train.json --validation_file data/ner_sample/dev.json --output_dir outputs/ner
    python run_ner.py config.yaml --head span --seed 2

Prints a line an epoch and the per-class table of the best one (half a minute on two CPU cores for the first command),
and leaves in --output_dir the model, its card, scores, predictions and the record of the run. With a trained directory
as model and no training data it scores --validation_file and predicts --test_file.
"""

import logging
import time

from utils.data.errors import ArgumentError
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.ner_arguments import NerArguments
from utils.options.shared_arguments import ModelArguments, TrickArguments, WindowArguments
from utils.options.tag_files import TagArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = NerArguments, WindowArguments, TagArguments, ModelArguments, AdapterArguments
    parsed = arguments.parse_arguments(*ours, TrickArguments, argv=argv, description=__doc__)
    ner, data, tagging, base, adapter, flags, training = parsed
    trains = bool(data.train_file or data.dataset_name)
    arguments.check_use(parsed, trains=trains, used_with={"label_smoothing_factor": "head=softmax"})
    adapter.check(flags, training, trains=trains)
    training = training.build(**adapter.changes())

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data import splits, tag_schemes
    from utils.encoding import collators, encoded_dataset, entity_windows, tokenization
    from utils.modeling.crf_tagger import CrfTagger, decode_softmax
    from utils.modeling.label_rows import load_with_head
    from utils.modeling.span_tagger import SpanTagger
    from utils.prediction import entity_lines
    from utils.prediction.entity_finder import EntityFinder
    from utils.prediction.merged_models import start_of
    from utils.reading import task_columns
    from utils.reporting import error_report, run_summary, task_cards
    from utils.running import atomic_files, hub, run_setup
    from utils.running.output_folder import open_output_dir
    from utils.running.processes import once
    from utils.scoring import example_counts, metrics
    from utils.scoring.entity_evaluator import EntityEvaluator
    from utils.tagging import readers_ner
    from utils.training import batch_size, losses, regularized_dropout, tricks
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    output_dir = open_output_dir(training, model=base.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: every format becomes rows of id, text, entities (character offsets, end exclusive)
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    reading = {"skip_bad_lines": data.skip_bad_lines} | tagging.reading(training)
    named = data.dataset_name, data.dataset_config_name
    dataset = once(readers_ner.load_ner, *named, **reading) if data.dataset_name else {}
    reading |= {"file_format": data.file_format, "encoding": data.encoding}
    if files["train"]:
        dataset["train"] = once(readers_ner.read_ner, files["train"], **reading)
    training.do_train = "train" in dataset
    if not any(files[split] or split in dataset for split in files):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    if training.do_train:
        finder, types = None, readers_ner.list_types(dataset["train"])
        if not types:
            raise ArgumentError("the training data: expected entities to learn, found none")
    else:
        finder = EntityFinder.load(base.model_name_or_path, revision=base.model_revision)
        types = finder.types
    for split in ("validation", "test"):
        if files[split]:
            dataset[split] = once(readers_ner.read_ner, files[split], **reading, entity_types=types)
    if training.do_train and "validation" not in dataset:
        share = {"validation_share": data.validation_share, "seed": training.seed}
        dataset["train"], dataset["validation"] = splits.split_by_text(dataset["train"], **share)
        once(atomic_files.write_json, output_dir / "validation_ids.json", dataset["validation"]["id"][:])
    dataset = {split: dataset[split] for split in files if split in dataset}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        dataset[split] = rows.select(range(min(most or len(rows), len(rows))))
    if training.do_train:
        task_columns.require_labels(dataset)

    # ---- 2. Tokenise: windows of sub-tokens with a tag each, or with token spans
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    if finder:
        tokenizer = finder.tokenizer
        ner.head, labels, scheme = finder.head, list(finder.id2label.values()), finder.scheme
        longest, data.stride = finder.encoder.max_length, finder.encoder.stride
        ner.constrained_decoding = getattr(finder.model.config, "constrained", False)
    else:
        source = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
        tokenizer, config = tokenization.load_tokenizer(source, **loading)
        longest = tokenization.longest_input(tokenizer, config)
        labels = types if ner.head == "span" else tag_schemes.tag_names(types, scheme=ner.scheme)
        scheme = None if ner.head == "span" else ner.scheme
    data.fit_windows(longest, special=len(tokenization.SpecialTokens.of(tokenizer)))
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    cutting = {"max_length": data.max_length, "stride": data.stride}
    cutting["label2id"] = finder.label2id if finder else names["label2id"]
    if ner.head == "span":
        encoder = entity_windows.SpanEncoder(tokenizer, **cutting)
    else:
        encoder = entity_windows.TagEncoder(tokenizer, **cutting, scheme=scheme, ignore_cut=ner.head == "crf")
    encoded, evaluators = {}, {}
    for split, rows in dataset.items():
        encoded[split] = once(encoded_dataset.encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, entity_windows.EncodingReport.of(rows, encoded[split]).describe())
        if split != "train":
            evaluators[split] = EntityEvaluator(rows, encoded[split], id2label=names["id2label"], scheme=scheme)

    # ---- 3. Model: a fresh head on the encoder
    windows = {"window_length": data.max_length, "window_stride": data.stride}
    weights = None
    if ner.class_weights == "auto" and training.do_train:
        seen = (each[-1] if ner.head == "span" else each for row in encoded["train"]["labels"][:] for each in row)
        weights = losses.balanced_weights((each for each in seen if each >= 0), len(labels))
    stock = finder.stock if finder else ner.head == "softmax" and ner.layers == "last" and not ner.lstm_hidden

    def load_model():
        transformers.set_seed(training.seed)
        if finder:
            return finder.model
        return adapter.add_to(new_model(), base.model_name_or_path, loading=loading)

    def new_model():
        if stock:
            for name in ("classifier_dropout", "classifier_dropout_prob"):  # where the stock class has one
                if hasattr(config, name):
                    setattr(config, name, ner.dropout)
            config.update({"tag_scheme": scheme, "constrained": ner.constrained_decoding, **names, **windows})
            kind = transformers.AutoModelForTokenClassification
            return load_with_head(kind, source, config=config, loading=loading)
        own = {"layers": ner.layers, "lstm_hidden": ner.lstm_hidden, "dropout": ner.dropout, **names, **windows}
        own["special_token_ids"] = sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})
        if ner.head == "span":
            overlap = entity_windows.has_overlaps(dataset["train"]["entities"][:])
            own |= {"nested": ner.nested == "yes" or (ner.nested == "auto" and overlap), "type_weights": weights}
            own |= {"loss": "focal" if ner.loss == "focal" else "multilabel", "focal_gamma": ner.focal_gamma}
            return SpanTagger.from_encoder(source, loading=loading, **own)
        own |= {"head": ner.head, "constrained": ner.constrained_decoding, "tag_scheme": scheme}
        return CrfTagger.from_encoder(source, loading=loading, **own)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    loss = None
    if ner.head == "softmax":
        gamma = ner.focal_gamma if ner.loss == "focal" else 0.0
        loss = losses.ClassLoss(weights, label_smoothing=training.label_smoothing_factor, focal_gamma=gamma)
    divergence = regularized_dropout.cell_divergence if ner.head == "span" else regularized_dropout.class_divergence

    def decoded(logits, label_ids):
        """Keep decoded tags or spans and their probabilities; never logits."""
        if not stock:
            return logits[1:]
        return decode_softmax(logits, label_ids != -100, labels=labels, constrained=ner.constrained_decoding)

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            rates={"crf": ner.crf_learning_rate or 10 * training.learning_rate} if ner.head == "crf" else {},
            divergence=divergence,
            train_dataset=encoded.get("train"),
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=collators.WindowCollator(tokenizer.pad_token_id or 0, with_token_mask=not stock),
            compute_loss_func=loss,
            compute_metrics=evaluators.get("validation"),
            preprocess_logits_for_metrics=decoded,
        )

    # ---- 5. Train, evaluate, predict
    if training.do_train:
        trainer, results = train_and_save(build, training, output_dir)
    else:
        training.eval_strategy = "no"
        trainer, results = build(batch_size.Batches.of(training)), {}
    counts, errors = {}, {}
    for split, evaluator in evaluators.items():
        trainer.compute_metrics = evaluator
        outputs = trainer.predict(encoded[split], metric_key_prefix="eval" if split == "validation" else split)
        entities, scores = evaluator.entities(outputs.predictions), outputs.metrics
        del outputs  # the largest thing in memory
        if any(dataset[split]["entities"]):
            results |= scores
            counts[split] = example_counts.of_entities(dataset[split], entities)
            known = {"table": evaluator.table, "scores": scores, "train": dataset.get("train")}
            errors[split] = error_report.of_entities(dataset[split], entities, **known)
            logger.info("\n%s, strict scores on character spans:\n%s\n", split, metrics.format_table(evaluator.table))
        else:
            logger.info("%s: no labels, predicted only", split)
    if trainer.is_world_process_zero():
        given = [ner, data, tagging, base, adapter, flags, training]
        record = run_setup.describe_run(given, files=files.values(), started=started, results=results)
        if training.do_train:
            card = task_cards.ner_card(record, types=types, table=evaluators["validation"].table)
            complete(output_dir, trainer, card=card)
        lines = entity_lines.entity_lines(dataset[split], entities)  # of the last split: test, if there is one
        left = {"predictions.jsonl": lines, example_counts.NAME: counts, "all_results.json": results}
        left |= run_summary.pages(record, errors, trainer.state)  # error_report.html, curves.png
        atomic_files.write_files(output_dir, left | {"run.json": record})
        hub.push(output_dir, destination)
        trained = base.model_name_or_path if finder else output_dir
        logger.info("\n%s\n", run_summary.describe_run(record, errors, trainer.state, trained=trained))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
