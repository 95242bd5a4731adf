"""What the tests of the tricks train: taggers on windows, classifiers on texts."""

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForTokenClassification, AutoTokenizer, TrainingArguments

from utils.data.tag_schemes import tag_names
from utils.encoding.collators import TextCollator, WindowCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.entity_windows import SpanEncoder, TagEncoder
from utils.encoding.text_inputs import TextEncoder
from utils.layers.fast_dropout import use_fast_dropout
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import load_classifier
from utils.options.classifier_arguments import CLASSIFIER_DEFAULTS
from utils.options.fine_tuning_arguments import FineTuningArguments
from utils.options.shared_arguments import TrickArguments
from utils.tagging.readers_ner import read_ner
from utils.training.batch_size import Batches
from utils.training.losses import ClassLoss, LabelLoss
from utils.training.parameter_groups import parameter_groups
from utils.training.regularized_dropout import class_divergence, label_divergence
from utils.training.tricks import TrickTrainer, build_trainer

pytest.register_assert_rewrite("tests.training.training_steps")

TYPES = ["address", "name"]
TAGS = tag_names(TYPES, scheme="bio")
STEADY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LABELS = {"a": 0, "b": 1, "c": 2}


@pytest.fixture(scope="module")
def windows(tiny_encoder, ner_files):
    """Head -> (train, validation) windows."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    cutting = {"max_length": 64, "stride": 16}
    tag = TagEncoder(tokenizer, **cutting, label2id={t: i for i, t in enumerate(TAGS)}, scheme="bio", ignore_cut=True)
    span = SpanEncoder(tokenizer, **cutting, label2id={t: i for i, t in enumerate(TYPES)})
    splits = [read_ner(path) for path in ner_files]

    def encode(encoder):
        rows = [encoder(dataset[:], range(len(dataset))) for dataset in splits]
        return tuple(Dataset.from_dict(each) for each in rows)

    return {"softmax": encode(tag), "crf": encode(tag), "span": encode(span)}


@pytest.fixture
def make(tiny_encoder, windows, tmp_path):
    """Build a trainer: `make(head, fast_gradient=..., num_train_epochs=...)`."""

    def build(head, *, dropout=True, folder="run", callbacks=None, fast_dropout=False, **options):
        names = {"id2label": dict(enumerate(TYPES if head == "span" else TAGS))}
        names["label2id"] = {label: i for i, label in names["id2label"].items()}
        still = {} if dropout else STEADY
        torch.manual_seed(0)
        if head == "softmax":
            own = {"classifier_dropout": 0.1 if dropout else 0.0, **still}
            model = AutoModelForTokenClassification.from_pretrained(tiny_encoder, **names, **own)
        else:
            tagger = SpanTagger if head == "span" else CrfTagger
            model = tagger.from_encoder(tiny_encoder, loading=still, dropout=0.1 if dropout else 0.0, **names)
        if fast_dropout:
            use_fast_dropout(model)
        tricks = ("fast_gradient", "regularized_dropout", "averaged_weights", "compute_metrics")
        chosen = {name: options.pop(name) for name in tricks if name in options}
        args = {
            "per_device_train_batch_size": 8,
            "num_train_epochs": 1,
            "learning_rate": 1e-2,
            "logging_strategy": "no",
            "save_strategy": "no",
            "eval_strategy": "no",
            "train_sampling_strategy": "group_by_length",
            "remove_unused_columns": False,
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
        }
        args = TrainingArguments(str(tmp_path / folder), **(args | options))
        train, validation = windows[head]
        groups = parameter_groups(
            model,
            learning_rate=args.learning_rate,
            weight_decay=0.01,
            encoder_prefix=model.base_model_prefix,
            rates={"crf": 0.05} if head == "crf" else {},
        )
        trainer = TrickTrainer(
            model=model,
            args=args,
            train_dataset=train,
            eval_dataset=validation,
            data_collator=WindowCollator(0, with_token_mask=head != "softmax"),
            compute_loss_func=ClassLoss() if head == "softmax" else None,
            groups=groups,
            callbacks=callbacks,
            **chosen,
        )
        trainer.current_gradient_accumulation_steps = 1  # set by `train`, for tests that call a single step
        return trainer

    return build


@pytest.fixture(scope="module")
def texts(tiny_encoder):
    """Whether multi-label -> 24 encoded texts of one label, or of none to three."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    given = [[label for k, label in enumerate(LABELS) if i >> k & 1] for i in range(24)]
    signs = {"a": "北", "b": "开会", "c": "病"}
    rows = {"text": [f"{i % 5}{''.join(signs[label] for label in labels)}" for i, labels in enumerate(given)]}
    labels = {False: {"label": [min(labels, default="a") for labels in given]}, True: {"labels": given}}
    encoder = TextEncoder(tokenizer, 16, False, LABELS)
    return {
        kind: encode_dataset(Dataset.from_dict(rows | column), encoder, by_length=False)
        for kind, column in labels.items()
    }


@pytest.fixture
def make_classifier(tiny_encoder, texts, tmp_path):
    """Build a trainer of a text classifier as the scripts do: `make_classifier(multi_label=..., batches=...)`."""

    def build(*, multi_label, tricks=None, pooling="mean", loss=None, dropout=0.0, batches=(8, 1, 8), **options):
        names = {"id2label": {i: label for label, i in LABELS.items()}, "label2id": LABELS}
        torch.manual_seed(0)
        kind = f"{'multi' if multi_label else 'single'}_label_classification"
        model = load_classifier(tiny_encoder, pooling=pooling, problem_type=kind, dropout=dropout, **names)
        for module in model.modules() if not dropout else ():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        args = {"num_train_epochs": 1, "learning_rate": 1e-2, "eval_strategy": "no", "save_strategy": "no"}
        args |= {"load_best_model_at_end": False, "precision": "fp32", "use_cpu": True, "logging_strategy": "no"}
        args |= {name: value for name, (value, _) in CLASSIFIER_DEFAULTS.items()}
        trainer = build_trainer(
            model,
            FineTuningArguments(str(tmp_path / "run"), **(args | options)),
            Batches(*batches),
            tricks or TrickArguments(),
            divergence=label_divergence if multi_label else class_divergence,
            train_dataset=texts[multi_label],
            eval_dataset=texts[multi_label],
            data_collator=TextCollator(AutoTokenizer.from_pretrained(tiny_encoder)),
            compute_loss_func=loss or (LabelLoss() if multi_label else ClassLoss()),
        )
        trainer.current_gradient_accumulation_steps = 1
        return trainer

    return build
