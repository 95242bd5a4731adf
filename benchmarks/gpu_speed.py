"""Training speed of a CRF on an encoder of RoBERTa-large's shape: padded, unpadded, compiled. `gpu.sh` runs this.

    python benchmarks/gpu_speed.py --output_file gpu.json

Weights and ids are random; the lengths are drawn from those of CLUENER's sentences. Each way of computing is timed on
whole training steps: forward, backward, clipping, AdamW, in bf16 where the device has it. Attention dropout is 0, as
torch's kernel for rows of different lengths has none. Prints sentences per second, the seconds of an epoch and the
peak of memory of each, the largest difference of the loss from that with padding in float32, and the time of the CRF.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig

from utils.layers.unpadded import leave_out_padding
from utils.modeling.crf import LinearChainCRF
from utils.modeling.crf_tagger import CrfTagger, CrfTaggerConfig

LENGTHS = (4, 22, 30, 37, 40, 43, 45, 47, 49, 51, 52)  # least, tenths, most; CLUENER's train.json with special tokens
TAGS = ["O", *(f"{prefix}-{kind}" for kind in range(10) for prefix in "BI")]
EPOCH = 9_674  # sentences
WAYS = {  # name: (rows of similar length share a batch, padding is left out, compiled)
    "padded, random batches": (False, False, False),
    "padded, similar lengths": (True, False, False),
    "unpadded, random batches": (False, True, False),
    "unpadded, similar lengths": (True, True, False),
    "padded, similar lengths, compiled": (True, False, True),
    "unpadded, similar lengths, compiled": (True, True, True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=1024, help="width; a head has 64 of it")
    parser.add_argument("--vocabulary", type=int, default=21_128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=12, help="for each way of computing, warm-up not counted")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--skip_compiled", action="store_true", help="do not compile, which takes most of the time")
    parser.add_argument("--output_file", type=Path, help="write a record here (JSON)")
    args = parser.parse_args()

    print(f"{args.layers} layers of {args.hidden}, batches of {args.batch}, {describe(args.device)}", flush=True)
    rows = []
    for name, way in WAYS.items():
        if way[-1] and args.skip_compiled:
            continue
        rows.append({"what": name} | measure(args, *way))
        print(line(rows[-1]), flush=True)
    rows += crf_times(args)
    if args.output_file:
        record = {"command": " ".join(sys.argv), "device": describe(args.device), "torch": torch.__version__}
        args.output_file.write_text(json.dumps(record | {"rows": rows}, indent=1) + "\n", encoding="utf-8")


def describe(device: str) -> str:
    """The device in words."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{device}, {torch.get_num_threads()} threads"


def build(args: argparse.Namespace) -> CrfTagger:
    """The tagger with random weights, the same each time."""
    torch.manual_seed(0)
    heads = max(args.hidden // 64, 1)
    shape = {"num_hidden_layers": args.layers, "hidden_size": args.hidden, "num_attention_heads": heads}
    inner = {"intermediate_size": 4 * args.hidden, "vocab_size": args.vocabulary, "attention_probs_dropout_prob": 0.0}
    encoder = BertConfig(**shape, **inner)
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: i for i, tag in enumerate(TAGS)}}
    return CrfTagger(CrfTaggerConfig(encoder_config=encoder, **labels)).to(args.device)


def batches(args: argparse.Namespace, *, similar: bool) -> Iterator[dict[str, Tensor]]:
    """Batches without end; of rows of similar length, from 50 batches each, if asked."""
    draw = torch.Generator().manual_seed(0)
    marks = torch.tensor(LENGTHS, dtype=torch.float32)
    while True:
        places = 10 * torch.rand(50 * args.batch, generator=draw)
        low = places.long().clamp(max=9)
        lengths = (marks[low] + (places - low) * (marks[low + 1] - marks[low])).round().long()
        if similar:
            lengths = lengths.sort().values
        for k in torch.randperm(50, generator=draw).tolist():
            own = lengths[k * args.batch : (k + 1) * args.batch]
            mask = torch.arange(int(own.max())) < own[:, None]
            ids = torch.randint(106, args.vocabulary, mask.shape, generator=draw) * mask
            tags = torch.randint(11, mask.shape, generator=draw)  # O, or an entity of one token
            tags = (2 * tags - 1).clamp(min=0).masked_fill(~mask, -100)
            given = {"input_ids": ids, "attention_mask": mask.long(), "token_mask": mask, "labels": tags}
            yield {name: each.to(args.device, non_blocking=True) for name, each in given.items()}


def measure(args: argparse.Namespace, similar: bool, unpadded: bool, compiled: bool) -> dict[str, Any]:
    """Sentences per second of one way of computing, and how far its loss is from that with padding in float32."""
    model = build(args).eval()
    drawn = batches(args, similar=similar)
    first = next(drawn)
    with torch.no_grad():
        expected = float(model(**first).loss)
    if unpadded:
        leave_out_padding(model)
    if compiled:
        for layer in model.encoder.encoder.layer:  # which are alike, so that one compilation serves all
            layer.compile(dynamic=True)
    on_gpu = args.device.startswith("cuda")
    with torch.no_grad(), casting(args.device):
        difference = abs(float(model(**first).loss) - expected)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    model.train()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()

    def step(batch: dict[str, Tensor]) -> None:
        with casting(args.device):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(8 if compiled else 3):
        step(next(drawn))
    wait(args.device)
    sentences, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < args.seconds or not sentences:
        for _ in range(5):
            step(next(drawn))
            sentences += args.batch
        wait(args.device)
    speed = sentences / taken
    peak = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else None
    found = {"sentences_per_second": round(speed, 1), "epoch_seconds": round(EPOCH / speed, 2)}
    return found | {"peak_gib": peak and round(peak, 2), "loss_difference": round(difference, 6)}


def casting(device: str) -> torch.autocast:
    """bf16 where the device has it; a CPU computes in float32, so that a small test is exact."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=device.startswith("cuda"))


def wait(device: str) -> None:
    """Until the device has done all that it was asked."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def line(row: dict[str, Any]) -> str:
    """A row of the printed table."""
    peak = "" if row["peak_gib"] is None else f"   peak {row['peak_gib']:6.2f} GiB"
    speed, epoch = row["sentences_per_second"], row["epoch_seconds"]
    return f"{row['what']:<37} {speed:9.1f} sentences/s   epoch {epoch:8.2f} s{peak}   loss ±{row['loss_difference']}"


def crf_times(args: argparse.Namespace, *, length: int = 128) -> list[dict[str, Any]]:
    """Milliseconds of the CRF's loss with gradient and of its decoding, beside pytorch-crf if that is installed."""
    torch.manual_seed(0)
    ours = LinearChainCRF(TAGS).to(args.device)
    emissions = torch.randn(args.batch, length, len(TAGS), device=args.device, requires_grad=True)
    mask = torch.arange(length, device=args.device) < torch.randint(
        length // 2, length + 1, (args.batch, 1), device=args.device
    )
    mask[0] = True
    tags = ours.decode(torch.randn_like(emissions), mask)
    calls = {
        "CRF loss + gradient": lambda: ours(emissions, tags, mask).sum().backward(),
        "CRF decoding": lambda: ours.decode(emissions, mask),
    }
    others: dict[str, Callable] = {}
    try:
        from torchcrf import CRF
    except ImportError:
        print("pytorch-crf is not installed, so the CRF is timed alone")
    else:
        theirs = CRF(len(TAGS), batch_first=True).to(args.device)
        others = {
            "CRF loss + gradient": lambda: (-theirs(emissions, tags.clamp(min=0), mask=mask)).backward(),
            "CRF decoding": lambda: theirs.decode(emissions, mask=mask),
        }
    rows = []
    for name, call in calls.items():
        row = {"what": name, "ms": clock(call, args)}
        told = f"{name:<37} {row['ms']:9.2f} ms"
        if other := others.get(name):
            row["pytorch_crf_ms"] = clock(other, args)
            told += f"   pytorch-crf {row['pytorch_crf_ms']:9.2f} ms   {row['pytorch_crf_ms'] / row['ms']:.1f}x"
        print(told, flush=True)
        rows.append(row)
    return rows


def clock(call: Callable, args: argparse.Namespace) -> float:
    """Median milliseconds of a call."""
    times, end = [], time.perf_counter() + args.seconds / 4
    for _ in range(3):
        call()
    while time.perf_counter() < end or len(times) < 3:
        wait(args.device)
        start = time.perf_counter()
        call()
        wait(args.device)
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times), 3)


if __name__ == "__main__":
    main()
