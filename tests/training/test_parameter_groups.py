"""Learning rates and weight decay of every parameter, for each family of encoders."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification

from utils.modeling.crf_tagger import CrfTagger, CrfTaggerConfig
from utils.modeling.span_tagger import SpanTagger, SpanTaggerConfig
from utils.training.parameter_groups import parameter_groups

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}
ENCODERS = {
    "bert": {},
    "roberta": {"pad_token_id": 1},
    "electra": {"embedding_size": 8},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 16, "cls_token_id": 1, "sep_token_id": 2},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
}
NAMES = {"id2label": {0: "O", 1: "B-A", 2: "I-A"}, "label2id": {"O": 0, "B-A": 1, "I-A": 2}}
PLAIN = {"learning_rate": 1.0, "weight_decay": 0.1, "encoder_prefix": "encoder", "rates": {}}


def encoder_config(kind):
    return AutoConfig.for_model(kind, **(SMALL | ENCODERS.get(kind, {"embedding_size": 8})))


def tagger(kind="bert", **options):
    return CrfTagger(CrfTaggerConfig(encoder_config=encoder_config(kind), **NAMES, **options))


def stock(kind):
    return AutoModelForTokenClassification.from_config(encoder_config(kind))


def settings(model, key="lr", **options):
    """Name of each parameter -> its rate (or other setting)."""
    groups = parameter_groups(model, **(PLAIN | options))
    by_parameter = {id(parameter): group[key] for group in groups for parameter in group["params"]}
    return {name: by_parameter[id(each)] for name, each in model.named_parameters() if id(each) in by_parameter}


def rates_of(found, part):
    """The rates of all parameters with this in their name."""
    chosen = {rate for name, rate in found.items() if part in name}
    assert chosen, f"no parameter with {part} among {list(found)}"
    return chosen


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("make", [tagger, stock])
def test_each_layer_learns_slower_than_the_one_above(make, kind):
    model = make(kind)
    layer = "layers" if kind == "modernbert" else "layer"
    found = settings(model, layer_decay=0.5, encoder_prefix=model.base_model_prefix)
    assert [rates_of(found, f".{layer}.{i}.") for i in range(3)] == [{0.25}, {0.5}, {1.0}]


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("make", [tagger, stock])
def test_embeddings_learn_slowest(make, kind):
    model = make(kind)
    found = settings(model, layer_decay=0.5, encoder_prefix=model.base_model_prefix)
    assert rates_of(found, "embeddings") == {0.125}
    assert min(found.values()) == 0.125


def test_shared_layer_of_albert_counts_as_one():
    found = settings(tagger("albert"), layer_decay=0.5)
    assert rates_of(found, "albert_layers.0.") == {1.0}
    assert rates_of(found, "embeddings.") == {0.5}
    assert rates_of(found, "embedding_hidden_mapping_in") == {0.5}


def test_relative_positions_of_deberta_learn_as_embeddings_do():
    assert rates_of(settings(tagger("deberta-v2"), layer_decay=0.5), "rel_embeddings") == {0.125}


def test_norm_above_the_top_layer_learns_at_the_full_rate():
    found = settings(tagger("modernbert"), layer_decay=0.5)
    assert rates_of(found, "final_norm") == {1.0}


def test_eleven_layers_are_counted_by_number_and_not_by_digit():
    config = AutoConfig.for_model("bert", **(SMALL | {"num_hidden_layers": 11}))
    model = CrfTagger(CrfTaggerConfig(encoder_config=config, **NAMES))
    found = settings(model, layer_decay=0.5)
    assert rates_of(found, ".layer.10.") == {1.0}
    assert rates_of(found, ".layer.1.") == {0.5**9}


def test_without_decay_all_layers_learn_at_one_rate():
    assert set(settings(tagger()).values()) == {1.0}


def test_head_learns_at_the_rate_of_the_encoder_if_none_is_given():
    assert rates_of(settings(tagger(), layer_decay=0.5), "classifier") == {1.0}


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_head_learns_at_its_own_rate_and_the_encoder_does_not(kind):
    model = stock(kind)
    found = settings(model, head_learning_rate=9.0, encoder_prefix=model.base_model_prefix)
    assert {name for name, rate in found.items() if rate == 9.0} == {
        name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")
    }


def test_lstm_and_layer_mix_belong_to_the_head():
    found = settings(tagger(layers="weighted", lstm_hidden=4), head_learning_rate=9.0)
    assert rates_of(found, "lstm.") == {9.0}
    assert rates_of(found, "layer_mix.") == {9.0}


def test_named_module_learns_at_its_own_rate_whatever_the_head_does():
    found = settings(tagger(), rates={"crf": 7.0}, head_learning_rate=9.0)
    assert {name.partition(".")[0] for name, rate in found.items() if rate == 7.0} == {"crf"}
    assert rates_of(found, "crf.") == {7.0}


def test_rate_for_a_module_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="'crf'"):
        settings(tagger(head="softmax"), rates={"crf": 7.0})


@pytest.mark.parametrize("kind", [*ENCODERS, "albert"])
def test_every_trainable_parameter_is_in_exactly_one_group(kind):
    model = tagger(kind, layers="weighted", lstm_hidden=4)
    groups = parameter_groups(model, **PLAIN | {"rates": {"crf": 7.0}, "layer_decay": 0.5, "head_learning_rate": 9.0})
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())


def test_frozen_parameters_are_in_no_group():
    model = tagger()
    model.encoder.embeddings.requires_grad_(False)
    found = settings(model)
    assert not any("embeddings" in name for name in found)
    assert len(found) > 10


def test_tied_weights_are_in_one_group_once():
    model = torch.nn.ModuleDict(
        {"encoder": torch.nn.Linear(2, 2, bias=False), "head": torch.nn.Linear(2, 2, bias=False)}
    )
    model["head"].weight = model["encoder"].weight
    groups = parameter_groups(model, **PLAIN | {"head_learning_rate": 9.0})
    assert [len(group["params"]) for group in groups] == [1]


@pytest.mark.parametrize("kind", [*ENCODERS, "albert"])
def test_biases_norms_and_vectors_do_not_decay(kind):
    model = tagger(kind, layers="weighted")
    decays = settings(model, "weight_decay", rates={"crf": 7.0})
    vectors = [name for name, each in model.named_parameters() if each.dim() < 2]
    norms = [
        f"{name}.{own}"
        for name, module in model.named_modules()
        if "norm" in type(module).__name__.lower()
        for own, _ in module.named_parameters(recurse=False)
    ]
    assert norms and len(vectors) > 10
    assert {decays[name] for name in vectors + norms} == {0.0}


def test_weight_matrices_and_embeddings_decay():
    decays = settings(tagger(), "weight_decay")
    assert decays["classifier.weight"] == 0.1
    assert rates_of(decays, "word_embeddings.weight") == {0.1}
    assert rates_of(decays, "query.weight") == {0.1}


def test_transitions_with_a_rate_of_their_own_do_not_decay():
    assert rates_of(settings(tagger(), "weight_decay", rates={"crf": 7.0}), "crf.") == {0.0}


def test_groups_are_what_an_optimizer_takes():
    model = SpanTagger(SpanTaggerConfig(encoder_config=encoder_config("bert"), id2label={0: "A"}, label2id={"A": 0}))
    optimizer = torch.optim.AdamW(parameter_groups(model, **PLAIN | {"layer_decay": 0.5}), lr=5.0)
    assert {group["lr"] for group in optimizer.param_groups} == {0.125, 0.25, 0.5, 1.0}


def test_encoder_without_numbered_layers_learns_at_one_rate():
    model = torch.nn.ModuleDict({"encoder": torch.nn.Linear(2, 2), "head": torch.nn.Linear(2, 2)})
    assert set(settings(model, layer_decay=0.5).values()) == {1.0}


def test_prefix_of_a_bare_encoder_module_is_matched_as_a_whole_name():
    model = torch.nn.ModuleDict(
        {"encoder_head": torch.nn.Linear(2, 2), "encoder": AutoModel.from_config(encoder_config("bert"))}
    )
    found = settings(model, head_learning_rate=9.0)
    assert rates_of(found, "encoder_head") == {9.0}
