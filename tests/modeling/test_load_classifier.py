"""The stock class or ours, with the options asked for."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from tests.modeling.classifiers import NAMES, every_encoder
from tests.modeling.encoder_families import ENCODERS, SMALL
from utils.modeling.text_classifier import TextClassifier, load_classifier


@every_encoder
def test_cls_of_the_last_layer_is_the_stock_class(encoders, kind):
    model = load_classifier(str(encoders / kind), **NAMES)
    stock = AutoModelForSequenceClassification.from_pretrained(encoders / kind, **NAMES)
    assert type(model) is type(stock) and model.config.num_labels == 3
    assert model.state_dict().keys() == stock.state_dict().keys()


@pytest.mark.parametrize(
    ("pooling", "layers"), [("mean", "last"), ("max", "last"), ("fusion", "last"), ("cls", "weighted")]
)
def test_any_other_pooling_is_ours(encoders, pooling, layers):
    model = load_classifier(
        str(encoders / "bert"), pooling=pooling, layers=layers, fusion_weights="equal", dropout=0.3, **NAMES
    )
    assert isinstance(model, TextClassifier)
    config = model.config
    assert (config.pooling, config.layers, config.fusion_weights, config.dropout) == (pooling, layers, "equal", 0.3)
    assert (model.dropout.p, config.num_labels) == (0.3, 3)


@pytest.fixture(scope="module")
def distilbert(tmp_path_factory):
    """A DistilBERT, which has names of its own for everything."""
    folder = tmp_path_factory.mktemp("distilbert")
    size = {"vocab_size": 50, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64}
    AutoModel.from_config(AutoConfig.for_model("distilbert", **size)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", [*ENCODERS, "distilbert"])
def test_dropout_before_the_stock_classifier_is_the_one_asked_for(encoders, distilbert, tmp_path, kind):
    model = load_classifier(str(distilbert if kind == "distilbert" else encoders / kind), dropout=0.37, **NAMES)
    model.save_pretrained(tmp_path)
    for one in (model, AutoModelForSequenceClassification.from_pretrained(tmp_path)):
        head = {name: part for name, part in one.named_modules() if not name.startswith(one.base_model_prefix)}
        rates = {name: part.p for name, part in head.items() if isinstance(part, nn.Dropout)}
        rates.pop("pooler.dropout", None)  # DeBERTa's second one, on what comes into its pooler
        assert list(rates.values()) == [0.37]


@pytest.mark.parametrize("kind", ["roformer", "mpnet"])
def test_dropout_reaches_the_classifier_where_the_configuration_has_no_field_for_it(tmp_path, kind):
    AutoModel.from_config(AutoConfig.for_model(kind, **SMALL)).save_pretrained(tmp_path)
    model = load_classifier(str(tmp_path), dropout=0.37, **NAMES)
    rates = {name: part.p for name, part in model.named_modules() if isinstance(part, nn.Dropout)}
    head = {name for name in rates if not name.startswith(model.base_model_prefix)}
    assert {rates[name] for name in head} == {0.37}
    assert {rates[name] for name in rates.keys() - head} == {0.1}


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_settings_survive_saving_and_loading(encoders, tmp_path, pooling):
    settings = {"problem_type": "multi_label_classification", "input_length": 40, "takes_pairs": True, **NAMES}
    settings |= {"text_cleaning": [["\\s+", " "]], "text_template": "{text}？"}
    model = load_classifier(str(encoders / "bert"), pooling=pooling, **settings)
    model.config.decision = {"temperature": 0.5, "thresholds": [0.1, 0.2, 0.3]}
    model.save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path, trust_remote_code=True)
    assert {name: getattr(config, name) for name in settings} == settings
    assert config.decision == model.config.decision


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_encoder_saved_in_half_precision_is_trained_in_float32(encoders, tmp_path, pooling):
    AutoModel.from_pretrained(encoders / "bert", dtype=torch.bfloat16).save_pretrained(tmp_path)
    model = load_classifier(str(tmp_path), pooling=pooling, **NAMES)
    assert {each.dtype for each in model.parameters()} == {torch.float32}
