"""Processor time that a script takes to refuse a wrong command line, and to show its help.

    python benchmarks/start_up.py
    python benchmarks/start_up.py --rounds 9

Each command is run several times with warm caches. Prints the median of user and system time, in seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys

COMMANDS = {
    "wrong flag": ["run_ner.py", "--model_name_or_path", "m", "--output_dir", "o", "--hed", "crf"],
    "wrong value": ["run_ner.py", "--model_name_or_path", "m", "--output_dir", "o", "--layer_decay", "-2"],
    "missing file": ["run_ner.py", "--model_name_or_path", "m", "--output_dir", "o", "--train_file", "nowhere.json"],
    "--help": ["run_ner.py", "--help"],
    "--help_all": ["run_ner.py", "--help_all"],
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (5)")
    args = parser.parse_args(argv)
    for name, command in COMMANDS.items():
        measure(command)  # warms the caches
        times = [measure(command) for _ in range(args.rounds)]
        print(f"{name:<14}{statistics.median(times):6.2f} s of processor time")


def measure(command):
    """User and system seconds of a process and its children."""
    before = os.times()
    subprocess.run([sys.executable, *command], capture_output=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


if __name__ == "__main__":
    main()
