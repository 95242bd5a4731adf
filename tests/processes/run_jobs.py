"""What a launcher starts in each process: `run_jobs.py JOBS RESULTS` calls scripts one after the other.

JOBS is a JSON list of `[script, argv]`. The first process writes RESULTS: for each process its `world_size`, what each
job ended with, and which files it wrote below the folder of RESULTS.
"""

import json
import os
import sys
from pathlib import Path

import torch.distributed
from accelerate import PartialState

import run_classification
import run_mlm
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span

SCRIPTS = {
    module.__name__: module.main
    for module in (run_classification, run_mlm, run_ner, run_prompt, run_qa_cls, run_qa_span)
}


class WrittenFiles:
    """Files below a folder that this process opens for writing, makes, renames or removes."""

    def __init__(self, folder: Path):
        self.folder, self.names = str(folder), []
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if event in ("open", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
            path = os.path.abspath(os.fsdecode(arguments[0])) if isinstance(arguments[0], str | bytes) else ""
            if path.startswith(self.folder):
                self.names.append(os.path.relpath(path, self.folder))


def main(jobs: str, results: str) -> None:
    written = WrittenFiles(Path(results).resolve().parent)
    ended = []
    for script, argv in json.loads(Path(jobs).read_text(encoding="utf-8")):
        try:
            ended.append(SCRIPTS[script](argv))
        except (Exception, SystemExit) as error:
            ended.append(f"{type(error).__name__}: {error}")
    state = PartialState()
    mine = {"world_size": state.num_processes, "ended": ended, "written": sorted(set(written.names))}
    each: list = [mine]
    if state.num_processes > 1:
        each = [None] * state.num_processes
        torch.distributed.all_gather_object(each, mine)
    if state.is_main_process:
        Path(results).write_text(json.dumps(each, default=str), encoding="utf-8")
    state.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
