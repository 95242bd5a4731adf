"""A graph answers as the weights that it was made of, wherever predict.py takes a model."""

import json

import numpy as np
import pytest
from datasets import Dataset

import export_onnx
import predict
from tests.small_heads import AUTOS, TEXTS, build_heads
from utils.data.errors import ArgumentError, DataError
from utils.distillation.teachers import Teacher
from utils.prediction import onnx_model
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.onnx_model import has_vnni
from utils.prediction.prediction_tasks import load_task

HEADS = [name for name in AUTOS if name != "masked"]


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    build_heads(tiny_encoder, folder)
    for name in HEADS:
        export_onnx.main([str(folder / name), str(folder / name / "onnx"), "--int8"])
    return folder


def answers(*names, together=False, **loading):
    task = load_task([str(name) for name in names], output_format="jsonl", options={}, together=together, **loading)
    texts = [text for text in TEXTS for _ in range(3)]
    given = ([f"{text[:2]}?" for text in texts], texts) if task.pair else (texts,)
    return [json.loads(line) for line in task.lines(list(map(str, range(len(texts)))), *given)]


def rounded(value):
    """Scores to three digits."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return pytest.approx(value, abs=2e-4) if isinstance(value, float) else value


@pytest.mark.parametrize("name", HEADS)
def test_graph_answers_like_its_model(folder, name):
    expected = answers(folder / name)
    assert expected == rounded(answers(folder / name / "onnx"))
    assert expected == rounded(answers(folder / name, backend="onnx"))  # made for the call
    found = [len(row.get("entities", row.get("top", [1]))) for row in expected]
    assert max(found) > 0


@pytest.mark.parametrize("name", ["crf", "pooled"])
def test_eight_bits_answer_in_the_same_form(folder, name):
    small = answers(folder / name / "onnx", int8=True)
    assert [row.keys() for row in small] == [row.keys() for row in answers(folder / name)]
    assert small == answers(folder / name, backend="onnx", int8=True) == answers(folder / name, int8=True)
    assert small != answers(folder / name)


def test_eight_bits_are_signed_and_answer_alike_without_vnni(folder, monkeypatch):
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(folder / "crf" / "onnx" / "model_int8.onnx").graph
    matrices = {node.input[1] for node in graph.node if node.op_type == "MatMulInteger"}
    kinds = [each.data_type for each in graph.initializer if each.name in matrices]
    assert set(kinds) == {onnx.TensorProto.INT8}
    expected = answers(folder / "crf" / "onnx", int8=True)
    monkeypatch.setattr(onnx_model, "has_vnni", lambda: not has_vnni())
    if has_vnni():  # the other way is exact everywhere, ours only here
        assert rounded(expected) == rounded(answers(folder / "crf" / "onnx", int8=True))


def test_sums_of_eight_bit_products_are_exact(tmp_path):
    onnx = pytest.importorskip("onnx")
    kind, helper = onnx.TensorProto, onnx.helper
    weights = onnx.numpy_helper.from_array(np.full((64, 8), 127, dtype=np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["given", "weights"], ["sums"])],
        "sums",
        [helper.make_tensor_value_info("given", kind.UINT8, [2, 64])],
        [helper.make_tensor_value_info("sums", kind.INT32, [2, 8])],
        [weights],
    )
    path = tmp_path / "sums.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    (found,) = onnx_model.open_session(path, int8=True).run(None, {"given": np.full((2, 64), 255, dtype=np.uint8)})
    assert (found == 255 * 127 * 64).all()


def test_members_may_be_graphs_and_weights(folder):
    plain = answers(folder / "crf", folder / "softmax", together=True)
    assert plain == rounded(answers(folder / "crf" / "onnx", folder / "softmax", together=True))
    assert plain == rounded(answers(folder / "crf", folder / "softmax", together=True, backend="onnx"))


def test_decision_of_a_classifier_is_applied(folder, tmp_path, capsys):
    config = folder / "pooled" / "onnx" / "config.json"
    fields = json.loads(config.read_text())
    assert fields["decision"]["temperature"] == 1.7
    (first, *_) = answers(folder / "pooled" / "onnx")
    scores = np.array([one["score"] for one in first["top"]])
    assert scores.sum() == pytest.approx(1, abs=1e-3)
    predict.main([str(folder / "pooled" / "onnx"), "--text", TEXTS[0], "--threshold", "0.99"])
    assert json.loads(capsys.readouterr().out)["label"] is None


def test_graph_may_be_a_teacher(folder, tmp_path):
    rows = Dataset.from_dict({"text": TEXTS, "entities": [[{"start": 0, "end": 1, "label": "name"}]] * len(TEXTS)})
    told = []
    for name in ("crf", "crf/onnx", "crf/onnx"):
        teacher = Teacher.load([str(folder / name)], rows, ["name", "place"])
        outputs = teacher.learn_from([(text,) for text in TEXTS], "tags", folder=str(tmp_path))
        told.append([np.asarray(outputs[i], dtype=np.float32) for i in range(len(TEXTS))])
    for one, other, again in zip(*told, strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)
        np.testing.assert_array_equal(other, again)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2  # a cache for each, found again


@pytest.mark.parametrize("asked", [{"backend": "onnx"}, {"int8": True}, {"backend": "onnx", "int8": True}])
def test_finder_that_is_to_score_by_a_graph_never_takes_the_weights(folder, asked):
    with pytest.raises(ArgumentError, match=r"crf: expected model.onnx, found none; export_onnx.py makes it"):
        EntityFinder.load(str(folder / "crf"), **asked)
    for backend in ("auto", "torch"):
        assert not isinstance(EntityFinder.load(str(folder / "crf"), backend=backend).model, onnx_model.OnnxModel)


def test_graphs_score_few_texts_at_a_time_unless_told_otherwise(folder):
    assert EntityFinder.load(str(folder / "crf" / "onnx")).batch_size == onnx_model.BATCH == 16
    assert EntityFinder.load(str(folder / "crf" / "onnx"), batch_size=5).batch_size == 5
    assert EntityFinder.load(str(folder / "crf")).batch_size == 64


def test_the_slow_optimization_is_one_that_onnxruntime_knows(folder, tmp_path):
    """It leaves out what it does not know without a word."""
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    found = []
    for left_out in ([], onnx_model.SLOW):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / f"{len(left_out)}.onnx")
        graph = folder / "crf" / "onnx" / "model_int8.onnx"
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=left_out)
        nodes = onnx.load(options.optimized_model_filepath).graph.node
        found.append(any(node.op_type == "SkipLayerNormalization" for node in nodes))
    assert found == [True, False]


def test_graph_without_eight_bits_and_damaged_graphs_are_told(folder, tmp_path):
    export_onnx.main([str(folder / "crf"), str(tmp_path)])
    with pytest.raises(ArgumentError, match=r"--int8: expected .*model_int8.onnx, found none"):
        answers(tmp_path, int8=True)
    np.savez(tmp_path / "tag_scores.npz", transitions=np.zeros((2, 2)), starts=np.zeros(2), ends=np.zeros(2))
    with pytest.raises(DataError, match=r"tag_scores.npz: expected the scores of a CRF with 5 tags"):
        answers(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(DataError, match=r"model.onnx: expected a graph, found: "):
        answers(tmp_path)


@pytest.mark.parametrize(
    "given, said",
    [
        (["--int8", "--backend", "torch"], "--int8: expected --backend onnx, found torch"),
        (["--onnx", "--device", "cuda"], "a graph runs on the CPU"),
        (["--int8", "--precision", "bf16"], "a graph runs on the CPU"),
    ],
)
def test_options_that_do_not_fit_are_refused(given, said, capsys):
    with pytest.raises(SystemExit):
        predict.main(["somewhere", "--text", "x", *given])
    assert said in capsys.readouterr().err
