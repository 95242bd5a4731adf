"""Continue training a masked-language model on raw text, or train a new one: Chinese whole words, no padding.

    python run_mlm.py --model_name_or_path pretrained/bert-mini-zh --learning_rate 5e-4 --max_length 64 \\
        --train_file data/review_sample/train.tsv --output_dir outputs/mlm
    python run_mlm.py configs/mlm_bert_mini.yaml --train_file corpus/ --validation_file dev.txt --num_proc 2
    python run_prompt.py --model_name_or_path outputs/mlm --fill "这家店的菜很[MASK]。"

Prints one line per epoch (20 seconds on a CPU core for the first command): loss, perplexity and accuracy at the
masked tokens of the validation data. --output_dir then holds a standard masked-language model, which every other
script takes as its --model_name_or_path, its card, its scores and the record of the run.
"""

import logging
import shlex
from dataclasses import replace
from functools import partial

from utils.data.errors import DataError
from utils.options import arguments, mlm_arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.shared_arguments import TrickArguments

logger = logging.getLogger(__name__)


def main(argv=None):
    ours = mlm_arguments.MaskingArguments, mlm_arguments.CorpusArguments, mlm_arguments.StartArguments
    telling = {"description": __doc__, "defaults": mlm_arguments.MLM_DEFAULTS}
    ours += AdapterArguments, TrickArguments, mlm_arguments.StateTeacherArguments
    parsed = arguments.parse_arguments(*ours, argv=argv, **telling)
    masks, data, start, adapter, *_ = parsed
    arguments.check_use(parsed, trains=True)

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.encoding import packing, tokenization, wordpiece
    from utils.encoding.masking import MaskingCollator
    from utils.modeling import masked_lm, neighbour_start
    from utils.modeling.cloze_classifier import is_masked_lm, load_masked_lm
    from utils.prediction.merged_models import start_of
    from utils.reading import readers_corpus
    from utils.running import run_setup
    from utils.scoring import masked_scores
    from utils.tasks import masked_task, run_folder
    from utils.training.masked_trainer import MaskedTrainer

    run = run_folder.open_run(parsed)
    training = run.training

    # ---- 1. Data: memory-mapped documents, or for a stream, a function that reads them
    named = {"train": data.train_file, "validation": data.validation_file}
    files = {split: readers_corpus.list_files(paths) for split, paths in named.items() if paths}
    dataset = {}
    with training.main_process_first(desc="read the corpus"):
        if data.dataset_name:
            hub = data.dataset_name, data.dataset_config_name
            dataset = readers_corpus.load_column(*hub, text_column=data.text_column)
        for split, paths in files.items():
            if split != "train" or not data.streaming:
                dataset[split] = readers_corpus.load_documents(paths, cache_dir=data.cache_dir, **data.reading())
    if "train" in dataset:
        read = partial(readers_corpus.list_texts, dataset["train"])
    elif "train" in files:
        read = partial(readers_corpus.read_documents, files["train"], **data.reading())
    else:
        found = ", ".join(dataset)
        raise DataError(f"{data.dataset_name}: expected a split named train, found {found}")

    # ---- 2. Tokenise: documents are concatenated and cut into full sequences
    loading = {"revision": start.model_revision, "trust_remote_code": start.trust_remote_code}
    if not start.train_from_config:
        source = start_of(start.model_name_or_path, revision=start.model_revision, adapter=adapter.adapter)
    with training.main_process_first(desc="build the tokenizer"), arguments.refusing(ValueError):
        resume = run_setup.wants_to_resume(training.resume_from_checkpoint)
        built = resume and wordpiece.is_built(run.output_dir)
        if start.train_tokenizer and training.process_index == 0 and not built:
            wordpiece.train_wordpiece(read, start.train_tokenizer).save_pretrained(run.output_dir)
    with arguments.refusing(ValueError):  # a file that is not the configuration of a masked-language model
        if start.train_from_config:
            name = run.output_dir if start.train_tokenizer else start.tokenizer_name
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **loading)
            config = masked_lm.new_config(start.new_model.fields, tokenizer=tokenizer)
        else:
            splitting = start.split_characters == "yes"
            tokenizer, config = tokenization.load_tokenizer(source, split=splitting, **loading)
        if not is_masked_lm(config):
            name = start.train_from_config or start.model_name_or_path
            raise ValueError(f"{name}: expected a family with a masked-language model, found {config.model_type}")
        max_length = min(data.max_length, tokenization.longest_input(tokenizer, config))
        packer = packing.SequencePacker(tokenizer, max_length, whole_words=masks.masking != "token")
        hiding = {"masking": masks.masking, "probability": masks.mlm_probability, "seed": training.seed}
        collators = [MaskingCollator(tokenizer, **hiding) for _ in ("train", "validation")]
    encoded = {}
    with training.main_process_first(desc="tokenise the corpus"):
        for split in (split for split in dataset if split in ("train", "validation")):
            if split != "train" or not data.streaming:
                encoded[split] = packing.pack_documents(dataset[split], packer, num_proc=data.num_proc)
    sharing = {"max_length": max_length, "seed": training.seed, "folder": run.output_dir}
    encoded = masked_task.share_out(encoded, data, **sharing)
    if data.streaming:
        encoded["train"] = packing.SequenceStream(read, packer, seed=training.seed)

    # ---- 3. Model: the stock class, with its output layer only at masked tokens
    kept = masked_lm.set_dropout(config, masks.dropout)
    lessons = masked_task.find_teacher(run.options, tokenizer, training)

    def load_model():
        with arguments.refusing(ValueError):  # no trained output layer, or a family without --init neighbours
            if not start.train_from_config:
                own = {"new_output_layer": start.new_output_layer, "loading": loading | {"config": config}}
                model = load_masked_lm(source, **own)
                adapter.add_to(model, start.model_name_or_path, loading=loading)
            else:
                model = masked_lm.new_masked_lm(config)
                if start.init == "neighbours":
                    neighbour_start.look_at_neighbours(model)
        model = masked_lm.predict_hidden_only(model)
        return lessons.attach(model) if lessons else model

    # ---- 4. Train: with AdamW, or matrices with Muon
    trainer, results = run.learn(
        load_model,
        encoded,
        masked_scores.compute_masked_scores,
        trainer_class=MaskedTrainer,
        lessons=lessons,
        muon_learning_rate=masks.muon_learning_rate if masks.optimizer == "muon" else None,
        processing_class=tokenizer,
        data_collator=collators[0],
        eval_collator=collators[1],
        preprocess_logits_for_metrics=masked_scores.score_rows,
    )

    # ---- 5. Score, and write the results
    if "validation" in encoded:
        results |= trainer.evaluate()  # logs a line
    folder = shlex.quote(str(run.output_dir))
    command = f"python run_ner.py --model_name_or_path {folder}  # or any other script"
    if adapter.adapter != "none":
        command = f"python predict.py {folder} --merge MODEL  # a model for the other scripts"
    told = {"task": masked_task.HiddenWords(kept), "read": [path for paths in files.values() for path in paths]}
    told["settled"] = [replace(data, max_length=max_length), start.new_model]
    run.leave(results, trainer=trainer, command=command, **told)
    return results


if __name__ == "__main__":
    arguments.run_script(main)
