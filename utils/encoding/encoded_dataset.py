"""A split of rows as the model's inputs, in memory."""

from collections.abc import Callable

from datasets import Dataset


def encode_dataset(dataset: Dataset, encoder: Callable, *, by_length: bool) -> Dataset:
    """Turn rows into inputs or windows, each with its `length`.

    Args:
        dataset: rows with the columns that the encoder reads.
            Their `id` is kept, so that training can name rows.
        encoder: takes a batch of rows and their numbers, gives columns. The result stays in memory: a cache on disk
            would not notice edited code.
        by_length: the longest first, so that neighbours need little padding; else in the order of the rows.
    """
    encoded = dataset.map(
        encoder,
        batched=True,
        with_indices=True,
        remove_columns=dataset.column_names,
        keep_in_memory=True,
        load_from_cache_file=False,
        desc="Tokenise",
    )
    if "id" in dataset.column_names:
        ids, place = dataset["id"][:], "text_index" if "text_index" in encoded.column_names else "index"
        encoded = encoded.add_column("id", [ids[row] for row in encoded[place][:]])
    if by_length:
        lengths = encoded["length"][:]
        order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
        encoded = encoded.select(order, keep_in_memory=True)
    return encoded
