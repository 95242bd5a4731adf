"""Try a trained directory in a browser: type a text and see the model's answer.

    pip install -r requirements-app.txt
    python app.py outputs/ner
    python app.py pretrained/bert-mini-zh --port 7861

Entities are marked in the text, classes are shown with their probabilities, answers in their passage, and the words
of a masked-language model for [MASK]. Only this machine can open the page, unless --host is given.

Programs ask the endpoint /predict, which answers what predict.py writes:

    from gradio_client import Client
    Client("http://127.0.0.1:7860").predict("张伟在北京大学教书。", api_name="/predict")
"""

import argparse
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from utils.data.errors import ArgumentError
from utils.options.arguments import run_script

LONGEST = 20_000  # characters of an input
SHOWN = 10  # classes, answers or words
NAMED = 20  # labels below the title


class Model(NamedTuple):
    """A trained directory that answers.

    Attributes:
        kind: see `example_inputs.TITLES`.
        fields: its inputs by name, with their number of lines.
        show: from inputs to HTML.
        tell: from inputs to what `predict.py` writes.
        labels: what it may answer; empty if that has no end.
    """

    kind: str
    fields: dict[str, int]
    show: Callable[..., str]
    tell: Callable[..., dict | list]
    labels: list[str]


def main(argv=None):
    args = parse(argv)
    launch(args, block=True)


def launch(args, *, block):
    """Load the model, build the page and serve it; gradio prints the address.

    Args:
        args: see `parse`.
        block: serve until Ctrl-C; otherwise return the page at once, which has a `close()`.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import of gradio, which would report its use
    try:
        import gradio
    except ImportError as error:
        raise ArgumentError("gradio is missing: pip install -r requirements-app.txt") from error
    import transformers

    from utils.reporting.answer_panels import STYLE
    from utils.reporting.example_inputs import EXAMPLES, TITLES

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = load(args.model, revision=args.model_revision, device=args.device)
    title = TITLES[model.kind]
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # nothing from the network
    with gradio.Blocks(title=f"{title}: {args.model}", analytics_enabled=False) as page:
        gradio.HTML(heading(title, args.model, model.labels))
        boxes = [
            gradio.Textbox(label=name, lines=lines, max_lines=12, max_length=LONGEST)
            for name, lines in model.fields.items()
        ]
        button = gradio.Button("Ask", variant="primary")
        panel = gradio.HTML(label="Answer")
        examples = EXAMPLES["pairs" if "Second text" in model.fields else model.kind]
        gradio.Examples(
            examples[language_of(args.model)],
            boxes[0] if len(boxes) == 1 else boxes,
            label="Examples: click one, then Ask",
        )
        gradio.on([button.click, boxes[0].submit], model.show, boxes, panel, api_visibility="private")
        told = f"What predict.py writes about {' and '.join(model.fields).lower()}, as JSON."
        error = functools.partial(gradio.Error, print_exception=False)
        gradio.api(refusing(model.tell, error), api_name="predict", api_description=told)
    page.launch(
        server_name=args.host,
        server_port=args.port,
        share=False,
        prevent_thread_lock=not block,
        quiet=not block,
        theme=theme,
        css_paths=STYLE,
        footer_links=["api"],
    )
    return page


def load(name, *, revision="main", device=None):
    """Load a trained directory, as a `Model`."""
    from utils.data.errors import DataError
    from utils.prediction import model_kinds, prediction_tasks
    from utils.reporting import answer_panels

    try:
        kind = model_kinds.find_kind(name, revision=revision)
    except DataError as error:
        return load_blanks(name, error, revision=revision, device=device)
    options = {"top_k": SHOWN if kind == "answers" else None}
    loading = {"revision": revision, "device": device}
    task = prediction_tasks.load_task([name], output_format="jsonl", options=options, **loading)
    finder = task.finder

    def find_entities(text):
        return answer_panels.entity_panel(text, finder.find([text])[0], finder.types)

    def find_classes(text, other=None):
        verdict = finder.find([text], None if other is None else [other])[0]
        return answer_panels.verdict_panel(finder.rule, verdict, most=SHOWN)

    def find_answers(question, context):
        return answer_panels.answer_panel(context, finder.find([question], [context])[0])

    def tell_one(text: str) -> dict:
        return json.loads(next(task.lines(None, [text])))

    def tell_pair(text: str, text_pair: str) -> dict:
        return json.loads(next(task.lines(None, [text], [text_pair])))

    def tell_answer(question: str, context: str) -> dict:
        return json.loads(next(task.lines(None, [question], [context])))

    if kind == "entities":
        return Model(kind, {"Text": 4}, checked(find_entities), tell_one, list(finder.types))
    if kind == "answers":
        return Model(kind, {"Question": 2, "Passage": 8}, checked(find_answers), tell_answer, [])
    asked = Path(read_record(name).get("argv", [""])[0]).name == "run_qa_cls.py"
    kind = "questions" if asked else finder.rule.scored  # classes or scores
    fields, tell = ({"Text": 4, "Second text": 4}, tell_pair) if task.pair else ({"Text": 4}, tell_one)
    return Model(kind, fields, checked(find_classes), tell, list(finder.rule.labels))


def load_blanks(name, error, *, revision, device):
    """A masked-language model, which fills the blanks of a sentence."""
    from utils.encoding.tokenization import load_tokenizer, longest_input
    from utils.modeling.cloze_classifier import load_masked_lm
    from utils.modeling.weight_files import require_safetensors
    from utils.prediction.trained_models import choose_device
    from utils.prompting.blanks import fill_blanks
    from utils.reporting.answer_panels import filling_panel

    require_safetensors(name, revision=revision)
    tokenizer, config = load_tokenizer(name, revision=revision)
    try:
        model = load_masked_lm(name, loading={"revision": revision}).to(choose_device(device)).eval()
    except ValueError:  # no masked-language model either
        raise error from None
    longest = longest_input(tokenizer, config)

    def fill(text):
        return fill_blanks(model, tokenizer, text, top_k=SHOWN, max_length=longest)

    def tell(text: str) -> list:
        return [{"words": one.words, "score": round(one.score, 4)} for one in fill(text)]

    return Model("words", {"Text with [MASK]": 3}, checked(lambda text: filling_panel(fill(text))), tell, [])


def read_record(name):
    """The record of the run that left a folder; empty if there is none."""
    path = Path(name) / "run.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def language_of(name):
    """The language of the examples: that of the run's data, else Chinese."""
    return "en" if read_record(name).get("language") == "en" else "zh"


def heading(title, name, labels):
    """The top of the page: what it does, with which model, and what that may answer."""
    from utils.reporting.answer_panels import heading_panel

    return heading_panel(title, name, labels[:NAMED], more=len(labels[NAMED:]))


def refused(texts):
    """What is wrong with inputs; None if nothing is."""
    if not all(text and text.strip() for text in texts):
        return "Type something first."
    if any(len(text) > LONGEST for text in texts):
        return f"Expected at most {LONGEST:,} characters."
    return None


def refusing(tell, error):
    """Wrap a function for programs so that it raises this error for inputs that are refused."""

    @functools.wraps(tell)
    def predict(*texts):
        if message := refused(texts):
            raise error(message)
        try:
            return tell(*texts)
        except ValueError as reason:
            raise error(str(reason)) from None

    return predict


def checked(answer):
    """Wrap a function so that it shows what is wrong with an input instead of failing."""
    from utils.reporting.answer_panels import message_panel

    def ask(*texts):
        if message := refused(texts):
            return message_panel(message)
        try:
            return answer(*texts)
        except ValueError as error:  # such as a sentence without a blank
            return message_panel(str(error))

    return ask


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("model", help="output directory of a run_*.py script, or the Hub id of such a model")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model (main)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the first accelerator, else cpu, if not given")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to serve on (127.0.0.1); 0.0.0.0 shows the model to the whole network",
    )
    parser.add_argument("--port", type=int, help="port to serve on; the first free one from 7860 upwards if not given")
    args = parser.parse_args(argv)
    if args.port is not None and not 0 < args.port < 65536:
        parser.error(f"--port {args.port}: expected 1 to 65535")
    return args


if __name__ == "__main__":
    run_script(main)
