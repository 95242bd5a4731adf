"""Words of lower-cased English as the evaluator of CMRC 2018 counts them: Penn Treebank conventions.

That evaluator hands the text between Chinese characters to NLTK's `word_tokenize`. The conventions that matter are
written out here: marks stand alone, except a comma before a digit and a full stop inside a sentence; clitics are cut
off; straight double quotes become `` or ''. The words are NLTK 3.10's on every text of CMRC 2018's dev and trial sets;
they may differ after abbreviations that are rarer than those below.
"""

import re

_SENTENCE_END = re.compile(r"[.?!](?:[\])}\"']+(?=\s|$)|(?=[?!\])}({\[\"';@])|(?=\s+\S))")
_LAST_WORD = re.compile(r"[^\s?!\])}({\[\"';@,&#]+\.$")
# Letters, numbers and everyday words whose full stop does not end a sentence.
_NO_END = re.compile(
    r"(?:[^\W\d_]|\d[\d,.]*|a\.d|a\.m|p\.m|d\.c|n\.y|s\.g|u\.[kns]|u\.s\.a|ph\.d|mrs?|ms|dr|prof|[js]r|st|gen|col|lt"
    r"|rep|sen|inc|corp|co|ltd|bros|ave|vs|jan|feb|aug|sept|oct|nov|dec)\."
)
_LAST_STOP = re.compile(r"(?<=[^.])\.(?=[\])}>\"'» ]*\s*$)")

_QUOTE_OPENS = re.compile("(?<=[ (\\[{<«‘„])(?:\"|'')")
_SINGLE_OPENS = re.compile(r"(?<!\w)'(?=\w)(?!(?:[mtsdn]|re|ve|ll)\b)")
_STANDS_ALONE = re.compile("''|[;@#$%&?!\\[\\](){}<>«»‘„\u2012-\u2015]|\\.{2,}|,(?!\\d)")
_CLITIC = re.compile(r"(?<=[^'\s])(?='[smd]?(?:\s|$))")
_LONG_CLITIC = re.compile(r"(?<=[^'\s])(?=(?:'ll|'re|'ve|n't)(?:\s|$))")
_TWO_IN_ONE = re.compile(r"\b(?:(can)(not)|(gim|lem)(me)|(gon)(na)|(got)(ta)|(d)('ye)|(more)('n)|(wan)(na)(?=\s))\b")


def split_words(text: str) -> list[str]:
    """Split text into words and marks.

    Example:
        >>> split_words("mr. o'neill didn't pay 3,500 (or 3.5%). he left.")
        ['mr.', "o'neill", 'did', "n't", 'pay', '3,500', '(', 'or', '3.5', '%', ')', '.', 'he', 'left', '.']
    """
    return [word for sentence in split_sentences(text) for word in _words_of(sentence)]


def split_sentences(text: str) -> list[str]:
    """Split where sentences end; the full stop of an abbreviation, a letter or a number ends none.

    Example:
        >>> split_sentences("dr. a. smith came to the u.s. army. he left.")
        ['dr. a. smith came to the u.s. army.', ' he left.']
    """
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        word = _LAST_WORD.search(text, start, match.start() + 1)
        if word and _NO_END.fullmatch(word[0]):
            continue
        sentences.append(text[start : match.end()])
        start = match.end()
    return [*sentences, text[start:]]


def _words_of(sentence: str) -> list[str]:
    text = sentence.strip()
    text = " `` " + text[1:] if text.startswith('"') else text
    text = _QUOTE_OPENS.sub(" `` ", text)
    text = _SINGLE_OPENS.sub("' ", text)
    text = _LAST_STOP.sub(" . ", text)
    text = _STANDS_ALONE.sub(r" \g<0> ", text).replace('"', " '' ")
    text = _LONG_CLITIC.sub(" ", _CLITIC.sub(" ", text))
    text = _TWO_IN_ONE.sub(lambda match: f" {' '.join(filter(None, match.groups()))} ", text)
    return text.split()
