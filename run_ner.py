"""Train, evaluate and apply a named-entity tagger: softmax, CRF or span (nested) head on any encoder.

    python run_ner.py --model_name_or_path pretrained/bert-mini-zh --head crf --learning_rate 1e-3 \\
        --train_file data/ner_sample/train.json --validation_file data/ner_sample/dev.json --output_dir outputs/ner
    python run_ner.py configs/quickstart.yaml --head span --seed 2 --output_dir outputs/span

Prints one line per epoch and the per-class table of the best one (half a minute on two CPU cores for the first
command). --output_dir then holds the model, its card, scores, predictions and the record of the run. With a trained
directory as model and no training data, it scores --validation_file and predicts --test_file.
"""

from dataclasses import replace
from functools import partial

from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.ner_arguments import NerArguments
from utils.options.shared_arguments import ModelArguments, TeacherArguments, TrickArguments, WindowArguments
from utils.options.tag_files import TagArguments


def main(argv=None):
    ours = NerArguments, WindowArguments, TagArguments, ModelArguments, AdapterArguments
    parsed = arguments.parse_arguments(*ours, TrickArguments, TeacherArguments, argv=argv, description=__doc__)
    ner, data, tagging, base, adapter, *_, choices = parsed
    arguments.check_use(parsed, trains=data.trains, used_with={"label_smoothing_factor": "head=softmax"})

    # Imported here so that --help and wrong flags answer at once.
    from utils.data import splits, tag_schemes
    from utils.encoding import collators, entity_windows
    from utils.modeling import token_inputs
    from utils.prediction.entity_finder import EntityFinder
    from utils.reading import task_columns
    from utils.tagging import readers_ner
    from utils.tasks import entity_tasks, run_folder, split_data, starting_point, taggers
    from utils.tasks.answers import answer_splits
    from utils.tasks.cross_validation import cross_validate
    from utils.tasks.crossed_tasks import CrossedEntities
    from utils.training import losses, regularized_dropout

    run = run_folder.open_run(parsed)

    # ---- 1. Data: every format becomes rows of id, text, entities (character offsets, end exclusive)
    reading = {"skip_bad_lines": data.skip_bad_lines, "group_column": data.group_column} | tagging.reading(choices)
    read = partial(readers_ner.read_ner, file_format=data.file_format, encoding=data.encoding, **reading)
    dataset = split_data.read_training(data, load=partial(readers_ner.load_ner, **reading), read=read)
    run.check_splits(dataset)
    finder = None
    if "train" in dataset:
        types = readers_ner.require_types(dataset["train"])
    else:
        finder = EntityFinder.load(base.model_name_or_path, revision=base.model_revision)
        types = finder.types
    evaluating = {"read": lambda path, split: read(path, entity_types=types, group_column=None)}
    evaluating |= {"hold_out": splits.split_by_text, "seed": choices.seed, **run.holding}
    dataset = run.take_teacher(split_data.add_evaluation(dataset, data, **evaluating), types)
    if not finder:
        task_columns.require_labels(dataset)
    if data.crosses:
        return cross_validate(main, argv, run, dataset, CrossedEntities(types))

    # ---- 2. Tokenise: windows of sub-tokens, with a tag for each or with token spans
    if finder:
        start, longest, scheme = finder, finder.encoder.max_length, finder.scheme
        labels, label2id = list(finder.id2label.values()), finder.label2id
        ner = replace(ner, head=finder.head, constrained_decoding=finder.constrained)
        data = replace(data, stride=finder.encoder.stride)
    else:
        start = starting_point.StartingPoint.load(base, adapter).split_for(dataset["train"])
        longest, scheme = start.longest, None if ner.head == "span" else ner.scheme
        labels = types if ner.head == "span" else tag_schemes.tag_names(types, scheme=scheme)
        label2id = {label: i for i, label in enumerate(labels)}
    tokenizer, id2label = start.tokenizer, dict(enumerate(labels))
    data = data.fit_windows(longest, special=len(token_inputs.SpecialTokens.of(tokenizer)))
    cutting = {"max_length": data.max_length, "stride": data.stride, "label2id": label2id}
    if ner.head == "span":
        encoder = entity_windows.SpanEncoder(tokenizer, **cutting)
    else:
        encoder = entity_windows.TagEncoder(tokenizer, **cutting, scheme=scheme, ignore_cut=ner.head == "crf")
    encoded = run.encode(dataset, encoder, describe=entity_windows.describe_windows)
    task = entity_tasks.TaggedEntities(dataset, encoded, id2label=id2label, scheme=scheme, types=types)

    # ---- 3. Model: a new head on the encoder
    stock = finder.stock if finder else taggers.is_stock(**ner.body())
    weights = None
    if ner.class_weights == "auto" and not finder:
        seen = (each[-1] if ner.head == "span" else each for row in encoded["train"]["labels"][:] for each in row)
        weights = losses.balanced_weights((each for each in seen if each >= 0), len(labels))

    def load_model():
        if finder:
            return finder.model
        overlap = ner.head == "span" and entity_windows.has_overlaps(dataset["train"]["entities"][:])
        model = taggers.load_tagger(
            start.path,
            config=start.config,
            loading=start.loading,
            **ner.body(),
            dropout=ner.dropout,
            constrained=ner.constrained_decoding,
            tag_scheme=scheme,
            nested=ner.nested == "yes" or (ner.nested == "auto" and overlap),
            loss="focal" if ner.loss == "focal" else "multilabel",
            focal_gamma=ner.focal_gamma,
            type_weights=weights,
            special_token_ids=sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}),
            window_length=data.max_length,
            window_stride=data.stride,
            id2label=id2label,
            label2id=label2id,
        )
        return start.adapt(model)

    # ---- 4. Train: a loss over tags for the stock class; other heads have their own
    loss = None
    if ner.head == "softmax":
        gamma = ner.focal_gamma if ner.loss == "focal" else 0.0
        loss = losses.ClassLoss(weights, label_smoothing=choices.label_smoothing_factor, focal_gamma=gamma)
    divergence = regularized_dropout.cell_divergence if ner.head == "span" else regularized_dropout.class_divergence
    crf_rate = 10 * run.training.learning_rate if ner.crf_learning_rate is None else ner.crf_learning_rate
    decoding = {"stock": stock, "labels": labels, "constrained": ner.constrained_decoding}
    trainer, results = run.learn(
        load_model,
        encoded,
        task.evaluators.get("validation"),
        rates={"crf": crf_rate} if ner.head == "crf" else {},
        divergence=divergence,
        processing_class=tokenizer,
        data_collator=collators.WindowCollator(tokenizer.pad_token_id or 0, with_token_mask=not stock),
        compute_loss_func=loss,
        preprocess_logits_for_metrics=partial(taggers.keep_decoded, **decoding),
    )

    # ---- 5. Predict, score, and write the results
    found = answer_splits(trainer, dataset, encoded, task)
    results |= found.results
    trained = base.model_name_or_path if finder else run.output_dir
    run.leave(
        results, trainer=trainer, task=task, found=found, learnt=not finder, settled=[ner, data], trained=trained
    )
    return results


if __name__ == "__main__":
    arguments.run_script(main)
