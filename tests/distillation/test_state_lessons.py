"""States of an encoder as lessons: written tokens, places of the teacher's tokens, and the loss by hand."""

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

from utils.data.errors import DataError
from utils.distillation.state_lessons import MAP, StateLessons, TeacherTexts, WrittenTokens, average_spans
from utils.modeling.masked_lm import predict_hidden_only


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


def make_pieces(pieces):
    """A tokenizer that looks pieces up, SentencePiece in its spelling."""
    vocabulary = {piece: i for i, piece in enumerate(["<pad>", "<unk>", "<s>", "</s>", *pieces])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names)


def test_word_pieces_are_written_with_spaces_between_words_of_letters_only(tokenizer):
    text = "张伟2018年学习python a b，人☃人"
    ids = tokenizer(text)["input_ids"]
    written, places = WrittenTokens(tokenizer).write([*ids, *ids[1:]])
    assert written == "张伟2018年学习python a b，人 人\n" * 2  # a space for an unknown sign
    tokens = [written[start:stop] for start, stop in places[: len(ids)]]
    assert tokens == ["", "张", "伟", "20", "18", "年", "学", "习", "py", "thon", "a", "b", "，", "人", "", "人", ""]


def test_sentence_pieces_are_written_with_their_spaces():
    pieces = make_pieces(["\u2581the", "\u2581北京", "市", "\u2581", "s"])
    written, places = WrittenTokens(pieces).write([2, 4, 8, 7, 5, 6, 3])
    assert written == " thes  北京市\n"
    assert [written[start:stop] for start, stop in places] == ["", "the", "s", "", "北京", "市", ""]


def test_student_of_bytes_is_refused():
    with pytest.raises(DataError, match="expected a student whose tokens are pieces of text"):
        WrittenTokens(make_pieces(["\u0120the", "a"]))


def test_teacher_reads_the_text_and_each_token_learns_the_tokens_on_it(tokenizer):
    class Triples:
        """A tokenizer whose tokens are three characters each."""

        is_fast, pad_token_id, model_input_names = True, 0, ["input_ids"]

        def __call__(self, texts, *others, **options):
            if isinstance(texts, str):
                return {"input_ids": [2, 5, 3], "special_tokens_mask": [1, 0, 1]}
            cut = [[(i, min(i + 3, len(text))) for i in range(0, len(text), 3)] for text in texts]
            return {"input_ids": [[9] * len(each) for each in cut], "offset_mapping": cut}

    texts = TeacherTexts(Triples(), tokenizer, longest=5)
    rows = [
        {"input_ids": tokenizer("张伟在北京开会学习，病。")["input_ids"]},
        {"input_ids": tokenizer("人")["input_ids"]},
    ]
    told = texts.add(rows, {"input_ids": torch.zeros(2, 15, dtype=torch.int64)})
    assert told["taught_ids"].tolist() == [[2, 9, 9, 9, 3], [2, 9, 3, 0, 0]]
    assert told["taught_mask"].tolist() == [[1] * 5, [1, 1, 1, 0, 0]]
    spans = list(zip(told["taught_first"][0].tolist(), told["taught_stop"][0].tolist(), strict=True))
    assert [stop - first for first, stop in spans] == [0, *[1] * 9, 0, 0, 0, 0, 0]  # what is cut off teaches nothing
    assert [first for first, _ in spans[1:10]] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert told["taught_stop"][1].tolist()[:3] == [1, 2, told["taught_first"][1, 2].item()]


def test_mean_of_spans():
    states = torch.arange(8.0).reshape(1, 4, 2)
    found = average_spans(states, torch.tensor([[0, 1, 3, 2]]), torch.tensor([[2, 4, 4, 2]]))
    assert found[0].tolist() == [[1, 2], [4, 5], [6, 7], [0, 0]]


@pytest.fixture
def student(tiny_encoder):
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig.from_pretrained(tiny_encoder))
    return predict_hidden_only(model.eval())


@pytest.fixture
def lessons(tiny_encoder, tokenizer, student):
    torch.manual_seed(1)
    encoder = BertModel(BertConfig.from_pretrained(tiny_encoder, hidden_size=16, intermediate_size=16)).eval()
    lessons = StateLessons(encoder, TeacherTexts(tokenizer, tokenizer, 64), weight=0.5)
    lessons.attach(student)
    return lessons


def test_states_are_compared_after_the_map_beside_the_masked_words(lessons, student, tokenizer):
    rows = [{"input_ids": tokenizer(text)["input_ids"]} for text in ("张伟在北京开会", "李娜去了")]
    batch = dict(tokenizer.pad(rows, return_tensors="pt", return_attention_mask=True))
    inputs = batch | {"labels": torch.full_like(batch["input_ids"], -100)}
    inputs["labels"][:, 2] = inputs["input_ids"][:, 2]
    told = inputs | lessons.texts.add(rows, inputs)
    plain, taught = lessons.divide(told)
    outputs = student(**plain)
    assert outputs.hidden_states[0].shape == (2, 9, 32)
    found = lessons.join(outputs.loss, outputs, plain, taught, model=student, share=0.25)

    teacher = lessons.encoder(**batch).last_hidden_state.double()
    states = student.bert(**batch).last_hidden_state
    learnt = getattr(student.bert, MAP)(states).double()
    token, sentence = [], []
    for i, count in enumerate((7, 4)):
        own, wanted = learnt[i, 1 : 1 + count], teacher[i, 1 : 1 + count]
        normal = (wanted - wanted.mean(-1, keepdim=True)) / wanted.std(-1, unbiased=False, keepdim=True)
        token += ((own - normal) ** 2).mean(-1).tolist()
        mean = teacher[i, : count + 2].mean(0)
        sentence.append(1 - torch.cosine_similarity(own.mean(0), mean, dim=0).item())
    wanted = outputs.loss.item() + 0.5 * 0.25 * (sum(token) / 11 + sum(sentence) / 2)
    assert found.item() == pytest.approx(wanted, rel=1e-3)
    found.backward()
    assert getattr(student.bert, MAP).weight.grad.abs().sum() > 0
    assert all(each.grad is None for each in lessons.encoder.parameters())


def test_map_is_taken_away_again(lessons, student):
    assert any(MAP in name for name in student.state_dict())
    lessons.leave(student)
    assert not any(MAP in name for name in student.state_dict())


def test_plain_batches_return_no_states(student, tokenizer):
    ids = tokenizer("张伟", return_tensors="pt")["input_ids"]
    assert student(input_ids=ids, labels=ids).hidden_states is None
