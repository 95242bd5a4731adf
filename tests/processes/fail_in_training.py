"""run_ner.py whose second process fails in its third step: started by a launcher, with the script's flags."""

import run_ner
from utils.options.arguments import run_script
from utils.training import tricks

trained = tricks.TrickTrainer.training_step


def fail_in_second_process(trainer, *args, **options):
    if trainer.state.global_step == 2 and trainer.args.process_index == 1:
        raise OSError("the disk of the second process is gone")
    return trained(trainer, *args, **options)


if __name__ == "__main__":
    tricks.TrickTrainer.training_step = fail_in_second_process
    run_script(run_ner.main)
