"""Run a script and tell what it did to the machine: `python -m tests.audited_run RESULT SCRIPT [FLAG ...]`.

RESULT becomes JSON: `written`, files opened for writing, made, renamed or removed; `started`, the first words of
programs that were started; `ended`, the exit status.
"""

import importlib
import json
import os
import sys
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "shutil.rmtree", "shutil.move")
FOLDERS = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2}  # which argument tells the folder that a name is relative to
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "pty.spawn")


def main(result, script, *argv):
    written, started = set(), set()

    def look(event, arguments):
        if event in STARTS:
            words = arguments[1] if event == "subprocess.Popen" else arguments[0]
            started.add(str(words if isinstance(words, str | bytes) else words[0]))
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in CHANGES) and isinstance(arguments[0], str | bytes | os.PathLike):
            beside = FOLDERS.get(event)
            folder = arguments[beside] if beside else -1  # a file descriptor, where a folder is emptied from inside
            start = os.readlink(f"/proc/self/fd/{folder}") if folder >= 0 else "."
            written.add(os.path.realpath(os.path.join(start, os.fsdecode(arguments[0]))))

    module = importlib.import_module(script)
    sys.addaudithook(look)
    try:
        sys.argv = [f"{script}.py", *argv]
        ended = 0
        module.run_script(module.main) if hasattr(module, "run_script") else module.arguments.run_script(module.main)
    except SystemExit as stop:
        ended = stop.code
    told = {"written": sorted(written), "started": sorted(started), "ended": ended}
    Path(result).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
