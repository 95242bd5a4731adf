"""run_ner.py that leaves each process's exit status in a file `status-N`: `note_status.py FOLDER` and its flags."""

import os
import sys
from pathlib import Path

import run_ner
from utils.options.arguments import run_script

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    try:
        run_script(run_ner.main)
    except SystemExit as ended:
        (folder / f"status-{os.environ['RANK']}").write_text(str(ended.code), encoding="utf-8")
        raise
