"""What each process of a server does before it has models."""

import platform
import subprocess
import sys

import pytest

GROWS = """
import sys, psutil, torch
from utils.serving.loaded_models import return_freed_memory
if sys.argv[1] == "yes":
    assert return_freed_memory()
torch.manual_seed(0)
process, before = psutil.Process(), 0
kept = []
for turn in range(60):
    size = int(torch.randint(1, 24, ())) * 2**18  # 1 to 24 MB of float32
    large = torch.ones(size)
    kept.append(torch.ones(2000))  # lies above it in the heap, and keeps the heap from shrinking
    del large
    before = before or process.memory_info().rss
print((process.memory_info().rss - before) / 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_freed_blocks_go_back_to_the_system():
    def grown(given):
        done = subprocess.run([sys.executable, "-c", GROWS, given], capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert grown("yes") < 4 < grown("no")
