"""Train, score and apply a named-entity tagger: softmax, CRF or span (nested) head on any encoder.

    python run_ner.py --model_name_or_path pretrained/bert-mini-zh --head crf --learning_rate 1e-3 \\
        --train_file data/ner_sample/train.json --validation_file data/ner_sample/dev.json --output_dir outputs/ner
    python run_ner.py config.yaml --head span --seed 2

Prints a line an epoch and the per-class table of the best one (a minute on two CPU cores for the first command), and leaves in
--output_dir the model, its card, scores, predictions and the record of the run. `predict.py outputs/ner` finds entities with it.
"""

import logging
import time
from dataclasses import dataclass

from utils.training.arguments import (
    ArgumentError,
    DataArguments,
    ModelArguments,
    TrickArguments,
    option,
    parse_arguments,
    run_script,
)

logger = logging.getLogger(__name__)


@dataclass
class NerArguments:
    """The head, and what it is taught."""

    _argument_group_name = "named-entity recognition"

    head: str = option(
        "crf",
        "`softmax`: stock class, each token decided alone; `crf`: best tag sequence; `span`: start-end pairs, may nest.",
        choices=["softmax", "crf", "span"],
    )
    scheme: str = option("bio", "Tag scheme of softmax and crf.", choices=["bio", "bios", "bioes"])
    file_scheme: str = option("auto", "Tag scheme of column and token files: auto, bio, iob1, bios, bioes, bmes, bilou.")
    crf_learning_rate: float | None = option(None, "Learning rate of the CRF's transitions; 10 x --learning_rate if not given.")
    constrained_decoding: bool = option(False, "Softmax: take the best sequence that the scheme permits.")
    nested: str = option(
        "auto", "Span: may found entities overlap? `auto`: if those of the training data do.", choices=["auto", "yes", "no"]
    )
    loss: str = option(
        "default", "`focal` plays down what is right already (softmax, span).", choices=["default", "focal"]
    )
    focal_gamma: float = option(2.0, "How far focal loss does so; 0 not at all.")
    class_weights: str = option("none", "`auto` weighs rare classes up (softmax, span).", choices=["none", "auto"])


def main(argv=None):
    started = time.time()
    ner, data, base, tricks, training = parse_arguments(
        NerArguments, DataArguments, ModelArguments, TrickArguments, argv=argv, description=__doc__
    )
    check_combination(ner, tricks, training)

    # Imported here so that --help and wrong flags answer at once.
    from transformers import AutoModelForTokenClassification, AutoTokenizer, EarlyStoppingCallback, set_seed

    from utils.data.readers_ner import load_ner, read_ner
    from utils.data.splits import split_by_text
    from utils.data.tag_schemes import tag_names
    from utils.encoding.collators import WindowCollator
    from utils.encoding.entity_windows import EncodingReport, SpanEncoder, TagEncoder, has_overlaps
    from utils.evaluation.entity_evaluator import EntityEvaluator
    from utils.evaluation.entity_finder import EntityFinder
    from utils.evaluation.metrics import format_table
    from utils.evaluation.model_card import ner_card
    from utils.evaluation.entity_lines import entity_line
    from utils.modeling.crf_tagger import CrfTagger, decode_softmax
    from utils.modeling.span_tagger import SpanTagger
    from utils.training import run_setup
    from utils.training.batch_size import Batches, train_within_memory
    from utils.training.fast_dropout import use_fast_dropout
    from utils.training.losses import ClassLoss, balanced_weights
    from utils.training.parameter_groups import parameter_groups
    from utils.training.tricks import (
        AveragedWeights,
        FastGradient,
        RegularizedDropout,
        TrickTrainer,
        cell_divergence,
        class_divergence,
    )

    run_setup.set_up_logging(main_process=training.process_index == 0)
    resume = training.resume_from_checkpoint
    output_dir = run_setup.prepare_output_dir(
        training.output_dir, resume=bool(resume), overwrite=tricks.overwrite_output_dir
    )

    # ---- 1. Data: every format becomes rows of id, text, entities (character offsets, end exclusive)
    reading = {"file_format": data.file_format, "scheme": ner.file_scheme, "skip_bad_lines": data.skip_bad_lines}
    files = {"train": data.train_file, "validation": data.validation_file, "test": data.test_file}
    dataset = load_ner(data.dataset_name, data.dataset_config_name) if data.dataset_name else {}
    if files["train"]:
        dataset["train"] = read_ner(files["train"], **reading)
    training.do_train = "train" in dataset
    finder = None if training.do_train else EntityFinder.load(base.model_name_or_path, revision=base.model_revision)
    types = finder.types if finder else sorted({one["label"] for row in dataset["train"]["entities"][:] for one in row})
    for split in ("validation", "test"):
        if files[split]:
            dataset[split] = read_ner(files[split], **reading, entity_types=types)
    if training.do_train and not types:
        raise ArgumentError(f"{files['train'] or data.dataset_name}: expected entities to learn, found none")
    if not dataset:
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    if training.do_train and "validation" not in dataset:
        dataset["train"], dataset["validation"] = split_by_text(
            dataset["train"], validation_share=data.validation_share, seed=training.seed
        )
        run_setup.write_json(output_dir / "validation_ids.json", dataset["validation"]["id"])
    for split, most in [("train", data.max_train_samples), ("validation", data.max_eval_samples), ("test", data.max_eval_samples)]:
        if split in dataset and most:
            dataset[split] = dataset[split].select(range(min(most, len(dataset[split]))))

    # ---- 2. Tokenise: windows of sub-tokens with a tag each, or with token spans
    set_seed(training.seed)
    tokenizer = finder.tokenizer if finder else AutoTokenizer.from_pretrained(
        base.model_name_or_path, revision=base.model_revision, trust_remote_code=base.trust_remote_code
    )
    if finder:
        ner.head = finder.head
        labels, scheme = list(finder.id2label.values()), finder.scheme
    else:
        labels = types if ner.head == "span" else tag_names(types, scheme=ner.scheme)
        scheme = None if ner.head == "span" else ner.scheme
    label2id, id2label = {label: i for i, label in enumerate(labels)}, dict(enumerate(labels))
    cutting = {"max_length": data.max_length, "stride": data.stride, "label2id": label2id}
    if ner.head == "span":
        encoder = SpanEncoder(tokenizer, **cutting)
    else:
        encoder = TagEncoder(tokenizer, **cutting, scheme=scheme, ignore_cut=ner.head == "crf")
    encoded = {}
    for split, rows in dataset.items():
        encoded[split] = rows.map(
            encoder, batched=True, with_indices=True, remove_columns=rows.column_names, keep_in_memory=True,
            load_from_cache_file=False, desc=f"encode {split}",
        )
        if split != "train":  # neighbours of like length, so that evaluation pads little; the evaluator knows who is who
            lengths = encoded[split]["length"][:]
            encoded[split] = encoded[split].select(sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True))
        logger.info("%s: %s", split, EncodingReport.of(rows, encoded[split]).describe())
    evaluators = {
        split: EntityEvaluator(dataset[split], encoded[split], id2label=id2label, scheme=scheme)
        for split in dataset
        if split != "train"
    }

    # ---- 3. Model: a fresh head on the encoder
    loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
    names = {"id2label": id2label, "label2id": label2id}
    windows = {"window_length": data.max_length, "window_stride": data.stride}
    below = {"layers": base.layers, "lstm_hidden": base.lstm_hidden, "dropout": base.dropout}
    ids = {"special_token_ids": sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})}
    weights = None
    if ner.class_weights == "auto":
        column = encoded["train"]["labels"][:]
        seen = (one[2] for row in column for one in row) if ner.head == "span" else (one for row in column for one in row)
        weights = balanced_weights((one for one in seen if one >= 0), len(labels))
    stock = ner.head == "softmax" and base.layers == "last" and not base.lstm_hidden

    def load_model():
        set_seed(training.seed)
        if finder:
            return finder.model
        if stock:
            model = AutoModelForTokenClassification.from_pretrained(
                base.model_name_or_path, **loading, **names, dtype="float32", classifier_dropout=base.dropout
            )
            model.config.update({"tag_scheme": scheme, "constrained": ner.constrained_decoding, **windows})
            return model
        if ner.head == "span":
            nested = ner.nested == "yes" or (ner.nested == "auto" and has_overlaps(dataset["train"]["entities"]))
            loss = {"loss": "focal" if ner.loss == "focal" else "multilabel", "focal_gamma": ner.focal_gamma}
            own = {"nested": nested, "type_weights": weights, **loss}
            return SpanTagger.from_encoder(base.model_name_or_path, loading=loading, **names, **windows, **below, **ids, **own)
        own = {"head": ner.head, "constrained": ner.constrained_decoding, "tag_scheme": scheme}
        return CrfTagger.from_encoder(base.model_name_or_path, loading=loading, **names, **windows, **below, **ids, **own)

    # ---- 4. Trainer: one for each batch size that is tried
    loss = None
    if ner.head == "softmax":
        gamma = ner.focal_gamma if ner.loss == "focal" else 0.0
        loss = ClassLoss(class_weights=weights, label_smoothing=training.label_smoothing_factor, focal_gamma=gamma)
    divergence = cell_divergence if ner.head == "span" else class_divergence

    def decoded(logits, label_ids):
        """Keep decoded tags or spans and their probabilities; never logits."""
        if not stock:
            return logits[1:]
        return decode_softmax(logits, label_ids != -100, labels=labels, constrained=ner.constrained_decoding)

    def build(batches):
        training.per_device_train_batch_size, training.gradient_accumulation_steps = batches.train, batches.accumulation
        training.per_device_eval_batch_size = batches.evaluation
        model = load_model()
        if training.use_cpu:  # together a quarter of a CPU's training time; the same mathematics
            use_fast_dropout(model)
            model.set_attn_implementation("eager")  # the fused kernel falls back to a slower path when it has dropout
        rate = training.learning_rate
        return TrickTrainer(
            model=model,
            args=training,
            train_dataset=encoded.get("train"),
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=WindowCollator(tokenizer.pad_token_id or 0, with_token_mask=not stock),
            compute_loss_func=loss,
            compute_metrics=evaluators.get("validation"),
            preprocess_logits_for_metrics=decoded,
            callbacks=[EarlyStoppingCallback(tricks.early_stopping_patience)] if tricks.early_stopping_patience else None,
            groups=parameter_groups(
                model,
                learning_rate=rate,
                weight_decay=training.weight_decay,
                encoder_prefix=model.base_model_prefix,
                head_learning_rate=tricks.head_learning_rate,
                rates={"crf": ner.crf_learning_rate or 10 * rate} if ner.head == "crf" else {},
                layer_decay=tricks.layer_decay,
            ),
            fast_gradient=FastGradient(tricks.fgm_epsilon) if tricks.fgm_epsilon else None,
            regularized_dropout=RegularizedDropout(tricks.r_drop_alpha, divergence) if tricks.r_drop_alpha else None,
            averaged_weights=AveragedWeights(tricks.ema_decay) if tricks.ema_decay else None,
        )

    # ---- 5. Train, evaluate, predict
    batches = Batches(training.per_device_train_batch_size, training.gradient_accumulation_steps, training.per_device_eval_batch_size)
    results = {}
    if training.do_train:
        trainer, results = train_within_memory(
            build, batches, resume=lambda: run_setup.checkpoint_to_resume(resume, output_dir)
        )
    else:
        trainer = build(batches)
    predictions = None
    for split, prefix in [("validation", "eval"), ("test", "test")]:
        if split not in dataset:
            continue
        trainer.compute_metrics = evaluators[split]
        outputs = trainer.predict(encoded[split], metric_key_prefix=prefix)
        predictions = split, evaluators[split].entities(outputs.predictions)
        if any(dataset[split]["entities"]):
            results |= outputs.metrics
            logger.info("\n%s, strict scores on character spans:\n%s\n", split, format_table(evaluators[split].table))
        else:
            logger.info("%s: no labels, predicted only", split)
    if trainer.is_world_process_zero():
        if training.do_train:
            with run_setup.replacing_files(output_dir) as folder:
                trainer.model.save_pretrained(folder)
                tokenizer.save_pretrained(folder)
                trainer.state.save_to_json(str(folder / "trainer_state.json"))
        split, found = predictions
        lines = [
            entity_line(row["text"], entities, id=row["id"]) + "\n"
            for row, entities in zip(dataset[split], found, strict=True)
        ]
        run_setup.write_text(output_dir / "predictions.jsonl", "".join(lines))
        run_setup.write_json(output_dir / "all_results.json", results)
        record = run_setup.describe_run(
            arguments=[ner, data, base, tricks, training], files=files.values(), seed=training.seed, started=started,
            results=results,
        )
        if training.do_train:
            run_setup.write_text(output_dir / "README.md", ner_card(record, types=types, table=evaluators["validation"].table))
        run_setup.write_json(output_dir / "run.json", record)
        logger.info("%s holds the run; try: python predict.py %s --interactive", output_dir, output_dir)
    return results


def check_combination(ner, tricks, training):
    """Refuse options that the chosen head would silently ignore."""
    unfit = {
        "--constrained_decoding": ner.constrained_decoding and ner.head != "softmax",
        "--crf_learning_rate": ner.crf_learning_rate is not None and ner.head != "crf",
        "--nested": ner.nested != "auto" and ner.head != "span",
        "--loss focal": ner.loss == "focal" and ner.head == "crf",
        "--class_weights auto": ner.class_weights == "auto" and ner.head == "crf",
        "--label_smoothing_factor": training.label_smoothing_factor and ner.head != "softmax",
        "--scheme": ner.scheme != "bio" and ner.head == "span",
    }
    for flag, wrong in unfit.items():
        if wrong:
            raise ArgumentError(f"{flag} does nothing with --head {ner.head}; leave it out or choose another head")
    if tricks.r_drop_alpha and tricks.fgm_epsilon:
        logger.info("R-Drop and FGM together take four passes a step")


if __name__ == "__main__":
    run_script(main)
