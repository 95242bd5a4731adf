"""run_ner.py whose second process has a loss that is no number in its third step: started by a launcher, with the
script's flags.
"""

import math

import run_ner
from utils.options.arguments import run_script
from utils.training import tricks

compute_loss = tricks.TrickTrainer.compute_loss


def lose_number(trainer, model, *args, **options):
    loss = compute_loss(trainer, model, *args, **options)
    spoiled = model.training and trainer.state.global_step == 2 and trainer.args.process_index == 1
    return loss * math.nan if spoiled else loss


if __name__ == "__main__":
    tricks.TrickTrainer.compute_loss = lose_number
    run_script(run_ner.main)
