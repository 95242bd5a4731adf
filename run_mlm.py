"""Go on training a masked-language model on raw text, or begin with a new one: Chinese whole words, no padding.

    python run_mlm.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 --max_length 64 \\
        --train_file data/review_sample/train.tsv --output_dir outputs/mlm
    python run_mlm.py configs/mlm_bert_mini.yaml --train_file corpus/ --validation_file dev.txt --num_proc 2
    python run_prompt.py --model_name_or_path outputs/mlm --fill "这家店的菜很[MASK]。"

Prints a line an epoch (20 seconds on a CPU core for the first command): loss, perplexity and accuracy at the
hidden tokens of the validation data. Leaves in --output_dir a plain masked-language model, which every other script
takes as its --model_name_or_path, its card, its scores and the record of the run.
"""

import logging
import shlex
import time
from functools import partial

from utils.options import arguments, mlm_arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.shared_arguments import TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    started = time.time()
    ours = mlm_arguments.MaskingArguments, mlm_arguments.CorpusArguments, mlm_arguments.StartArguments
    telling = {"description": __doc__, "defaults": mlm_arguments.MLM_DEFAULTS}
    parsed = arguments.parse_arguments(*ours, AdapterArguments, TrickArguments, argv=argv, **telling)
    masks, data, start, adapter, flags, training = parsed
    arguments.check_use(parsed, trains=True)
    masks.check(flags, label_smoothing=training.label_smoothing_factor)
    data.check(max_steps=training.max_steps)
    start.check()
    adapter.check(flags, training, trains=not start.train_from_config)
    training = training.build(**adapter.changes())

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.data.errors import DataError
    from utils.encoding import packing, tokenization, wordpiece
    from utils.encoding.masking import MaskingCollator
    from utils.encoding.sequence_stream import SequenceStream
    from utils.modeling import masked_lm, neighbour_start
    from utils.modeling.cloze_classifier import is_masked_lm, load_masked_lm
    from utils.prediction.merged_models import start_of
    from utils.reading import readers_corpus
    from utils.reporting import run_summary, task_cards
    from utils.running import atomic_files, hub, run_setup
    from utils.running.output_folder import open_output_dir
    from utils.running.processes import once
    from utils.scoring import masked_scores
    from utils.training import tricks
    from utils.training.masked_trainer import MaskedTrainer
    from utils.training.saved_model import complete, train_and_save

    run_setup.set_up_logging(main_process=training.process_index == 0)
    destination = hub.Destination.of(training)  # asked now, not after hours of training
    output_dir = open_output_dir(training, model=start.model_name_or_path, overwrite=flags.overwrite_output_dir)

    # ---- 1. Data: documents, memory-mapped; of a stream, the way to read them
    named = {"train": data.train_file, "validation": data.validation_file}
    files = {split: readers_corpus.list_files(paths) for split, paths in named.items() if paths}
    reading = data.reading()
    dataset = {}
    with training.main_process_first(desc="read the corpus"):
        if data.dataset_name:
            dataset = readers_corpus.load_column(
                data.dataset_name, data.dataset_config_name, text_column=data.text_column
            )
        for split, paths in files.items():
            if split != "train" or not data.streaming:
                dataset[split] = readers_corpus.load_documents(paths, cache_dir=data.cache_dir, **reading)
    if "train" not in files and "train" not in dataset:
        raise DataError(f"{data.dataset_name}: expected a split named train, found {', '.join(dataset)}")
    if "train" in dataset:
        read = partial(readers_corpus.list_texts, dataset["train"])
    else:
        read = partial(readers_corpus.read_documents, files["train"], **reading)

    # ---- 2. Tokenise: documents one after the other, cut into full sequences
    loading = {"revision": start.model_revision, "trust_remote_code": start.trust_remote_code}
    if not start.train_from_config:
        source = start_of(start.model_name_or_path, revision=start.model_revision, adapter=adapter.adapter)
    with training.main_process_first(desc="build the tokenizer"):
        resume = run_setup.wants_to_resume(training.resume_from_checkpoint)
        if start.train_tokenizer and training.process_index == 0 and not (resume and wordpiece.is_built(output_dir)):
            with arguments.refusing(ValueError):
                wordpiece.train_wordpiece(read, start.train_tokenizer).save_pretrained(output_dir)
    with arguments.refusing(ValueError):  # a file that is no configuration of a masked-language model
        if start.train_from_config:
            name = output_dir if start.train_tokenizer else start.tokenizer_name
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **loading)
            config = masked_lm.new_config(start.fields, tokenizer=tokenizer)
        else:
            tokenizer, config = tokenization.load_tokenizer(source, **loading)
        if not is_masked_lm(config):
            name = start.train_from_config or start.model_name_or_path
            raise ValueError(f"{name}: expected a family with a masked-language model, found {config.model_type}")
        data.max_length = min(data.max_length, tokenization.longest_input(tokenizer, config))
        packer = packing.SequencePacker(tokenizer, data.max_length, whole_words=masks.masking != "token")
        hiding = {"masking": masks.masking, "probability": masks.mlm_probability, "seed": training.seed}
        collator, eval_collator = MaskingCollator(tokenizer, **hiding), MaskingCollator(tokenizer, **hiding)
    encoded = {}
    with training.main_process_first(desc="tokenise the corpus"):
        for split in ("train", "validation"):
            if split in dataset and not (split == "train" and data.streaming):
                encoded[split] = packing.pack_documents(dataset[split], packer, num_proc=data.num_proc)
    if data.streaming:
        encoded["train"] = SequenceStream(read, packer, seed=training.seed)
    elif "validation" not in encoded:
        most = {"share": data.validation_share, "most": packing.VALIDATION, "seed": training.seed}
        with arguments.refusing(ValueError):
            encoded["train"], encoded["validation"], rows = packing.split_sequences(encoded["train"], **most)
        once(atomic_files.write_json, output_dir / "validation_ids.json", rows)
    limits = {"train": data.max_train_samples, "validation": data.max_eval_samples}
    for split in (split for split in encoded if not (split == "train" and data.streaming)):
        encoded[split] = encoded[split].select(range(min(limits[split] or len(encoded[split]), len(encoded[split]))))
        logger.info("%s: %s", split, packing.describe_sequences(encoded[split], max_length=data.max_length))

    # ---- 3. Model: the stock class, whose output layer sees hidden tokens only
    kept = masked_lm.set_dropout(config, masks.dropout)

    def load_model():
        transformers.set_seed(training.seed)
        with arguments.refusing(ValueError):  # no trained output layer, or no start from neighbours
            if not start.train_from_config:
                model = load_masked_lm(source, loading=loading | {"config": config})
                adapter.add_to(model, start.model_name_or_path, loading=loading)
            else:
                model = masked_lm.new_masked_lm(config)
                if start.init == "neighbours":
                    neighbour_start.look_at_neighbours(model)
        return masked_lm.predict_hidden_only(model)

    # ---- 4. Trainer: built anew, with a fresh model, for each batch size that is tried
    if "validation" not in encoded:
        logger.info("no --validation_file: nothing to evaluate on, the last state is kept")
        training.eval_strategy, training.load_best_model_at_end = "no", False
    if data.streaming:  # a stream has no epochs
        training.save_strategy = "steps" if training.save_strategy == "epoch" else training.save_strategy
        if training.eval_strategy == "epoch":
            training.eval_strategy, training.eval_steps = "steps", training.save_steps

    def build(batches):
        return tricks.build_trainer(
            load_model(),
            training,
            batches,
            flags,
            trainer_class=MaskedTrainer,
            muon_learning_rate=masks.muon_learning_rate if masks.optimizer == "muon" else None,
            train_dataset=encoded["train"],
            eval_dataset=encoded.get("validation"),
            processing_class=tokenizer,
            data_collator=collator,
            eval_collator=eval_collator,
            preprocess_logits_for_metrics=masked_scores.score_rows,
            compute_metrics=masked_scores.compute_masked_scores,
        )

    # ---- 5. Train, evaluate, predict
    trainer, results = train_and_save(build, training, output_dir)
    if "validation" in encoded:
        results |= trainer.evaluate()  # logs a line
    if trainer.is_world_process_zero():
        given = [masks, data, start, adapter, flags, training]
        paths = [path for split in files.values() for path in split]
        record = run_setup.describe_run(given, files=paths, started=started, results=results)
        trainer.model.config.update(kept)
        complete(output_dir, trainer, card=task_cards.masked_card(record))
        left = run_summary.pages(record, {}, trainer.state)  # curves.png
        atomic_files.write_files(output_dir, left | {"all_results.json": results, "run.json": record})
        hub.push(output_dir, destination)
        folder = shlex.quote(str(output_dir))
        command = f"python run_ner.py --model_name_or_path {folder}  # or any other script"
        if adapter.adapter != "none":
            command = f"python predict.py {folder} --merge MODEL  # a model for the other scripts"
        logger.info("\n%s\n", run_summary.describe_run(record, {}, trainer.state, command=command))
    return results


if __name__ == "__main__":
    arguments.run_script(main)
