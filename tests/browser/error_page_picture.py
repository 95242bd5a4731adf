"""Make docs/images/error_page.png: the first wrong examples on the page of errors of the first run.

    bash scripts/quickstart.sh
    python tests/browser/error_page_picture.py

Needs the packages of tests/requirements.txt, a Chromium, and a font with Chinese characters (apt-get install chromium
fonts-wqy-microhei). Takes five seconds.
"""

import argparse
import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTH, EXAMPLES, COLORS = 900, 3, 48


def main(argv=None) -> None:
    """Photograph the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", default=str(ROOT / "outputs/quickstart/error_report.html"), help="page of errors")
    parser.add_argument("--output_file", default=str(ROOT / "docs/images/error_page.png"), help="the picture")
    args = parser.parse_args(argv)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": WIDTH, "height": 800})
        page.goto(Path(args.page).resolve().as_uri())
        top = page.get_by_role("heading", name="Worst examples").bounding_box()["y"] - 12
        end = page.get_by_text("sure", exact=True).nth(EXAMPLES).bounding_box()["y"] - 22
        clip = {"x": 0, "y": top, "width": WIDTH, "height": end - top}
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip)))
        browser.close()
    picture.convert("RGB").quantize(COLORS).save(args.output_file, optimize=True)


if __name__ == "__main__":
    main()
