"""Run a script that is killed (SIGKILL) at a moment: `python -m tests.kill_moment EVENT NUMBER DELAY SCRIPT FLAG ...`.

EVENT is `train` (a batch), `evaluate` (a batch), `save` (a file of a checkpoint that is made, opened or moved) or
`final` (the same behind training); the process is killed DELAY milliseconds behind the NUMBER-th. With NUMBER 0 it
ends by itself. It says how often each event happened in the last line of standard output.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter

from utils.options.arguments import run_script
from utils.training import tricks
from utils.training.lasting_trainer import LastingTrainer

FILES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


class Killer:
    """Counts events, and kills the process behind one of them."""

    def __init__(self, event, number, delay):
        self.wanted, self.delay = (event, number), delay / 1000
        self.counts, self.saving, self.trained = Counter(), False, False

    def happened(self, event):
        self.counts[event] += 1
        if (event, self.counts[event]) == self.wanted:
            threading.Thread(target=self.kill).start()

    def kill(self):
        time.sleep(self.delay)
        os.kill(os.getpid(), signal.SIGKILL)

    def look(self, event, arguments):
        writes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if event in FILES and writes and (self.saving or self.trained):
            self.happened("save" if self.saving else "final")


def main(event, number, delay, script, *argv):
    killer = Killer(event, int(number), float(delay))
    learn, save, train = LastingTrainer.training_step, LastingTrainer._save_checkpoint, LastingTrainer.train
    predict = tricks.TrickTrainer.prediction_step

    def training_step(self, *args, **options):
        killer.happened("train")
        return learn(self, *args, **options)

    def prediction_step(self, *args, **options):
        killer.happened("evaluate")
        return predict(self, *args, **options)

    def save_checkpoint(self, *args, **options):
        killer.saving = True
        save(self, *args, **options)
        killer.saving = False

    def whole_training(self, *args, **options):
        output = train(self, *args, **options)
        killer.trained = True
        return output

    LastingTrainer.training_step, LastingTrainer._save_checkpoint = training_step, save_checkpoint
    LastingTrainer.train, tricks.TrickTrainer.prediction_step = whole_training, prediction_step
    sys.addaudithook(killer.look)
    sys.argv = [script, *argv]
    module = __import__(script.removesuffix(".py"))
    run_script(module.main)
    print(json.dumps(killer.counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
