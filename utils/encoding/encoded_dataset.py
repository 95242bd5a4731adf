"""A split of rows as the model's inputs, in memory."""

from collections.abc import Callable

import numpy as np
from datasets import Dataset

from .row_batches import iterate_column
from .tokenizer_files import refuse_unknown


def encode_dataset(dataset: Dataset, encoder: Callable, *, by_length: bool) -> Dataset:
    """Turn rows into inputs or windows, each with its `length`.

    Args:
        dataset: rows with the columns that the encoder reads. Their `id` is kept, so that training can name rows.
        encoder: takes a batch of rows and their numbers, returns columns, of the types in its `features` if it has
            them. The result stays in memory: a cache on disk would not notice edited code.
        by_length: the longest first, so that neighbours need little padding; False keeps their order, for training.

    Raises:
        OSError: most tokens of training data are unknown to the encoder.
    """
    encoded = dataset.map(
        encoder,
        batched=True,
        with_indices=True,
        remove_columns=dataset.column_names,
        features=getattr(encoder, "features", None),
        keep_in_memory=True,
        load_from_cache_file=False,
        desc="Tokenise",
    )
    if not by_length and "input_ids" in encoded.column_names and len(encoded):
        refuse_unknown(iterate_column(encoded, "input_ids"), encoder.tokenizer)
    if "id" in dataset.column_names:
        ids, place = dataset["id"][:], "text_index" if "text_index" in encoded.column_names else "index"
        encoded = encoded.add_column("id", [ids[row] for row in encoded[place][:]])
    if by_length:
        lengths = np.fromiter(iterate_column(encoded, "length"), np.int64, len(encoded))
        encoded = encoded.select(np.argsort(-lengths, kind="stable"), keep_in_memory=True)
    return encoded
