"""Baseline: NER with pytorch-crf over an encoder, as users write it, under the stock Trainer.

    python benchmarks/stock_crf.py --model_name_or_path pretrained/bert-mini-zh \\
        --train_file data/ner_sample/train.json --validation_file data/ner_sample/dev.json \\
        --num_train_epochs 8 --learning_rate 1e-3 --per_device_train_batch_size 32

AutoModel + dropout + linear + torchcrf.CRF, random batches padded to their longest text, fp32, AdamW, linear decay
without warm-up; strict and default seqeval F1 of the Viterbi paths at the end of every epoch. Prints JSON.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import torch
from stock_data import IGNORED, build_parser, collect_results, encode, list_labels, read_ner_file, score
from torch import nn
from torchcrf import CRF
from transformers import (
    AutoModel,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    set_seed,
)


class EncoderCrf(nn.Module):
    """Encoder, dropout, linear layer, CRF over the first sub-token of every word."""

    def __init__(self, model_name_or_path: str, num_labels: int, dropout: float = 0.1):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(model_name_or_path, dtype=torch.float32)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.encoder.config.hidden_size, num_labels)
        self.crf = CRF(num_labels, batch_first=True)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        inputs = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        hidden = self.encoder(input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        emissions = self.classifier(self.dropout(hidden))  # (batch, length, num_labels)

        # The CRF reads transitions from neighbours in the tensor, whatever the mask says, so [CLS] and word-inner
        # sub-tokens are moved out of the way instead of masked: labelled positions first, in their order.
        labelled = labels != IGNORED  # (batch, length)
        words = int(labelled.sum(1).max())
        order = torch.argsort(~labelled, dim=1, stable=True)[:, :words]  # (batch, words)
        emissions = emissions.gather(1, order[..., None].expand(-1, -1, emissions.shape[-1]))
        mask = labelled.gather(1, order)
        tags = labels.gather(1, order).masked_fill(~mask, 0)  # padding: any valid tag, the mask hides it

        outputs = {"loss": -self.crf(emissions, tags, mask=mask, reduction="mean")}
        if not self.training:
            paths = self.crf.decode(emissions, mask=mask)  # one list of tags for each sentence
            predictions = torch.zeros_like(labels)
            predictions[labelled] = torch.tensor([tag for path in paths for tag in path], device=labels.device)
            outputs["predictions"] = predictions  # (batch, length)
        return outputs


def main(argv: Sequence[str] | None = None) -> dict:
    parser = build_parser(__doc__)
    parser.add_argument(
        "--crf_learning_rate",
        type=float,
        default=None,
        help="for linear layer and CRF; default: --learning_rate",
    )
    args = parser.parse_args(argv)
    set_seed(args.seed)

    dataset = {
        "train": read_ner_file(args.train_file, max_samples=args.max_train_samples),
        "validation": read_ner_file(args.validation_file),
    }
    labels = list_labels(dataset["train"])
    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)
    encoded = {split: encode(rows, tokenizer, labels, args.max_length) for split, rows in dataset.items()}

    model = EncoderCrf(args.model_name_or_path, len(labels))
    optimizer = None  # Trainer's own AdamW
    if args.crf_learning_rate is not None:
        head = [*model.classifier.parameters(), *model.crf.parameters()]
        groups = [{"params": model.encoder.parameters()}, {"params": head, "lr": args.crf_learning_rate}]
        optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, weight_decay=0.0)
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=output_dir,
                num_train_epochs=args.num_train_epochs,
                learning_rate=args.learning_rate,
                per_device_train_batch_size=args.per_device_train_batch_size,
                per_device_eval_batch_size=32,
                eval_strategy="epoch",
                save_strategy="no",
                seed=args.seed,
                report_to="none",
            ),
            train_dataset=encoded["train"],
            eval_dataset=encoded["validation"],
            data_collator=DataCollatorForTokenClassification(tokenizer),
            processing_class=tokenizer,
            compute_metrics=lambda p: score(p.predictions, p.label_ids, labels),
            optimizers=(optimizer, None),
        )
        trainer.train()
    return collect_results(args, trainer, dataset["validation"])


if __name__ == "__main__":
    main()
