"""The language of a card is guessed from the data, or left out."""

import pytest

from utils.running.run_setup import guess_file_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            '{"text": "浙商银行企业信贷部叶老桂博士则从另一个角度对五道门槛进行了解读。", "label": {"name": []}}\n',
            "zh",
        ),
        ("The cat is in the house and that is a fact of the day.\n" * 9, "en"),
        ("東京は日本の首都であり、世界で最大の都市の一つです。\n" * 9, None),
        ("Der Hund liegt unter dem Tisch und schläft den ganzen Tag.\n" * 9, None),
        ('{"text": "\\\\u6d59\\\\u5546", "label": "a"}\n', None),
    ],
)
def test_language_is_guessed_from_letters_and_words(tmp_path, text, language):
    (tmp_path / "train.txt").write_text(text, encoding="utf-8")
    assert guess_file_language([tmp_path / "train.txt"]) == language


def test_no_file_no_language():
    assert guess_file_language([]) is None
