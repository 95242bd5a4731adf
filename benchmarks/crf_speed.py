"""Speed of the CRF compared with pytorch-crf: loss with gradient, and decoding, on random batches.

    python benchmarks/crf_speed.py --batch 32 --length 128 --labels 31

Both run in turn on the same emissions and mask, in one process. Prints the median time of each and their ratio.
pytorch-crf is in tests/requirements.txt.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from seed_runs import write_record
from torchcrf import CRF

from utils.modeling.crf import LinearChainCRF


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--labels", type=int, default=31, help="odd: O, and B- and I- of each type")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output_file", type=Path, help="write a record here (JSON)")
    args = parser.parse_args()

    torch.manual_seed(0)
    names = ["O", *(f"{prefix}-{kind}" for kind in range(args.labels // 2) for prefix in "BI")]
    ours, theirs = LinearChainCRF(names).to(args.device), CRF(len(names), batch_first=True).to(args.device)
    emissions = torch.randn(args.batch, args.length, len(names), device=args.device, requires_grad=True)
    lengths = torch.randint(args.length // 2, args.length + 1, (args.batch,), device=args.device)
    lengths[0] = args.length
    mask = torch.arange(args.length, device=args.device) < lengths[:, None]
    tags = ours.decode(torch.randn_like(emissions), mask)

    pairs = {
        "loss + gradient": (
            lambda: ours(emissions, tags, mask).sum().backward(),
            lambda: (-theirs(emissions, tags, mask=mask)).backward(),
        ),
        "decode": (lambda: ours.decode(emissions, mask), lambda: theirs.decode(emissions, mask=mask)),
    }
    print(
        f"batch {args.batch}, length {args.length}, {len(names)} tags, {args.device}, "
        f"{torch.get_num_threads()} threads"
    )
    rows = []
    for what, (mine, other) in pairs.items():
        times = [[], []]
        for _ in range(3):
            mine(), other()
        for _ in range(args.rounds):
            for call, taken in zip((mine, other), times, strict=True):
                if args.device != "cpu":
                    torch.cuda.synchronize()
                start = time.perf_counter()
                call()
                if args.device != "cpu":
                    torch.cuda.synchronize()
                taken.append(1000 * (time.perf_counter() - start))
        fast, slow = map(statistics.median, times)
        print(f"{what:<16} {fast:8.2f} ms   pytorch-crf {slow:8.2f} ms   {slow / fast:.1f}x")
        rows.append({"what": what, "ms": round(fast, 3), "pytorch_crf_ms": round(slow, 3)})
    write_record(args.output_file, rows)


if __name__ == "__main__":
    main()
