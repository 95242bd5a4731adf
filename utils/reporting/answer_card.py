"""The README.md of a trained span question answering model."""

from ..data.private_words import hide_folders
from .model_card import load_code, model_card
from .task_cards import UNTESTED


def answer_card(record: dict, *, language: str) -> str:
    """Model card of a model that finds answers in passages.

    Args:
        record: what `describe_run` gives.
        language: `zh` or `en`: whose measure the scores are.
    """
    results, encoder = record["results"], hide_folders(record["arguments"]["model_name_or_path"])
    measure = "CMRC 2018, over characters" if language == "zh" else "SQuAD, over words"
    rows = [
        f"| {name.removeprefix('eval_').replace('_', ' ')} | {value:.4f} |"
        for name, value in results.items()
        if name.startswith("eval_") and name.endswith(("exact_match", "f1", "average", "threshold"))
    ]
    table = "\n".join(["| score | value |", "|---|---|", *rows])
    return model_card(
        record,
        task="question-answering",
        tags=["question-answering", "extractive-question-answering", language],
        metrics=("f1", "exact_match"),
        summary=f"Finds the answer to a question in a passage. Stock class on `{encoder}`.",
        promise="which takes passages of any length and gives exact character spans",
        loading=load_code(record, "AutoModelForQuestionAnswering", stock=True)
        + """
    question = "..."  # about the passage `text`
    outputs = model(**tokenizer(question, text, return_tensors="pt"))
    first, last = outputs.start_logits.argmax(-1), outputs.end_logits.argmax(-1)  # tokens of the answer""",
        scores=f"Validation data, on which the epoch was chosen; the measure is that of {measure}; 0-1.\n\n{table}",
        limits=UNTESTED.format("questions of a kind"),
    )
