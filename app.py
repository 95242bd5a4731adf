"""Try a trained directory in a browser: type a text and see the model's answer.

    pip install -r requirements-app.txt
    python app.py outputs/ner
    python app.py pretrained/bert-mini-zh --port 7861

Entities are marked in the text, classes are shown with their probabilities, answers in their passage, and the words
of a masked-language model for [MASK]. Only this machine can open the page, unless --host is given.
"""

import argparse
import os

from utils.data.errors import ArgumentError
from utils.options.arguments import run_script

LONGEST = 20_000  # characters of an input
SHOWN = 10  # classes, answers or words
EXAMPLES = {
    "entities": ["张伟在北京大学教书。", "昨天，苏州市教育局副局长梁雨桐到东湖区调研。"],
    "words": ["今天天气真[MASK]。", "他在[MASK][MASK]大学读书。"],
    "answers": [["谁在北京大学教书？", "张伟在北京大学教书，李娜在上海开了一家书店。"]],
}


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

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    kind, fields, answer = load(args.model, revision=args.model_revision, device=args.device)
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # nothing from the network
    with gradio.Blocks(title=f"Weitiao: {args.model}", analytics_enabled=False) as page:
        gradio.Markdown(f"# {kind.capitalize()}\n`{args.model}`")
        boxes = [
            gradio.Textbox(label=name, lines=lines, max_lines=12, max_length=LONGEST) for name, lines in fields.items()
        ]
        button = gradio.Button("Ask", variant="primary")
        panel = gradio.HTML(label="Answer")
        if kind in EXAMPLES:
            gradio.Examples(EXAMPLES[kind], boxes[0] if len(boxes) == 1 else boxes)
        gradio.on([button.click, boxes[0].submit], answer, boxes, panel, api_name="ask")
    page.launch(
        server_name=args.host,
        server_port=args.port,
        share=False,
        prevent_thread_lock=not block,
        quiet=not block,
        theme=theme,
        css_paths=STYLE,
        footer_links=[],
    )
    return page


def load(name, *, revision="main", device=None):
    """Load a trained directory.

    Returns:
        Its kind; its inputs by name, with their number of lines; a function from inputs to HTML.
    """
    from utils.data.errors import DataError
    from utils.prediction import model_kinds, prediction_tasks
    from utils.reporting import answer_panels

    try:
        kind = model_kinds.find_kind(name, revision=revision)
    except DataError as error:
        return "words", {"Text with [MASK]": 3}, load_blanks(name, error, revision=revision, device=device)
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

    fields, answer = {
        "entities": ({"Text": 4}, find_entities),
        "classes": ({"Text": 4, "Second text": 4} if task.pair else {"Text": 4}, find_classes),
        "answers": ({"Question": 2, "Passage": 8}, find_answers),
    }[kind]
    return kind, fields, checked(answer)


def load_blanks(name, error, *, revision, device):
    """A function that shows the words for the blanks of a sentence, from a masked-language model."""
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
    return checked(lambda text: filling_panel(fill_blanks(model, tokenizer, text, top_k=SHOWN, max_length=longest)))


def checked(answer):
    """Wrap a function so that it shows what is wrong with an input instead of failing."""
    from utils.reporting.answer_panels import message_panel

    def ask(*texts):
        if not all(text and text.strip() for text in texts):
            return message_panel("Type something first.")
        if any(len(text) > LONGEST for text in texts):
            return message_panel(f"Expected at most {LONGEST:,} characters.")
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
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the first accelerator, else cpu, if not given")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to serve on; 0.0.0.0 shows the model to the whole network"
    )
    parser.add_argument("--port", type=int, help="port to serve on; the first free one from 7860 upwards if not given")
    args = parser.parse_args(argv)
    if args.port is not None and not 0 < args.port < 65536:
        parser.error(f"--port {args.port}: expected 1 to 65535")
    return args


if __name__ == "__main__":
    run_script(main)
