"""Options that a run would ignore are refused, whoever's they are; those that it uses are accepted."""

import pytest

import run_classification
import run_mlm
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span
from utils.data.errors import ArgumentError

SCRIPTS = {
    "ner": run_ner,
    "classification": run_classification,
    "qa_cls": run_qa_cls,
    "qa_span": run_qa_span,
    "prompt": run_prompt,
    "mlm": run_mlm,
}
CLOZE = "--template {text}很{mask}。 --verbalizer {a:好,b:差} "
SEARCH, FOUND = "--template {text}很{mask}。 --train_file t --output_file o --search ", " --verbalizer {a:好,b:差}"

# script, words of the command line, what is said about them. Without --train_file a trained directory is applied.
REFUSED = [
    ("ner", "--test_file t --teacher d", "--teacher does nothing if no model is trained"),
    ("ner", "--train_file t --teacher_weight 0.5", "--teacher_weight does nothing without --teacher; leave it out"),
    ("qa_span", "--train_file t --unlabeled_file u", "--unlabeled_file does nothing without --teacher"),
    ("qa_cls", "--train_file t --teacher_cache c", "--teacher_cache does nothing without --teacher"),
    ("ner", "--train_file t --teacher d e --teacher_labels hard", "hard does nothing without --unlabeled_file"),
    ("ner", "--train_file t --teacher d --teacher_confidence 0.8", "does nothing with --teacher_labels soft"),
    (
        "classification",
        "--train_file t --teacher d --unlabeled_file u --teacher_labels hard --teacher_weight 0.5",
        "--teacher_weight does nothing with --teacher_labels hard",
    ),
    (
        "classification",
        "--train_file t --teacher d --unlabeled_file u --class_sampling balanced",
        "--class_sampling balanced draws rows by their labels, and those of --unlabeled_file have none",
    ),
    ("prompt", "--train_file t --teacher d", "unknown option --teacher"),
    ("ner", "--train_file t --label_smoothing_factor 0.1", "--label_smoothing_factor does nothing with --head crf"),
    ("ner", "--train_file t --head span --label_smoothing_factor 0.1", "does nothing with --head span"),
    ("ner", "--train_file t --constrained_decoding", "--constrained_decoding does nothing with --head crf"),
    ("ner", "--train_file t --head span --crf_learning_rate 0.1", "--crf_learning_rate does nothing with --head span"),
    ("ner", "--train_file t --head softmax --crf_learning_rate 0", "--crf_learning_rate does nothing with --head sof"),
    ("ner", "--train_file t --nested yes", "--nested yes does nothing with --head crf"),
    ("ner", "--train_file t --loss focal", "--loss focal does nothing with --head crf"),
    ("ner", "--train_file t --class_weights auto", "--class_weights auto does nothing with --head crf"),
    ("ner", "--train_file t --head span --scheme bioes", "--scheme bioes does nothing with --head span"),
    ("ner", "--train_file t --head softmax --focal_gamma 7", "--focal_gamma does nothing with --loss default"),
    ("ner", "--train_file t --head softmax --focal_gamma 2.0", "--focal_gamma does nothing with --loss default"),
    ("ner", "--train_file t --validation_file v --validation_share 0.2", "nothing together with --validation_file"),
    ("ner", "--test_file t --head crf", "--head crf does nothing if no model is trained"),
    ("ner", "--test_file t --max_length 512", "--max_length does nothing if no model is trained"),
    ("ner", "--test_file t --fgm_epsilon 1", "--fgm_epsilon does nothing if no model is trained"),
    ("ner", "--train_file t --lora_rank 4", "--lora_rank does nothing with --adapter none; .*use --adapter lora"),
    ("ner", "--train_file t --adapter lora --virtual_tokens 4", "--virtual_tokens does nothing with --adapter lora"),
    ("classification", "--test_file t --pooling mean", "--pooling mean does nothing if no model is trained"),
    ("classification", "--train_file t --fusion_weights equal", "--fusion_weights equal does nothing with --pooling"),
    (
        "classification",
        "--train_file t --stride 9",
        "--stride does nothing with --long_texts cut; leave it out, or use",
    ),
    (
        "classification",
        "--train_file t --window_pooling max",
        "--window_pooling max does nothing with --long_texts cut",
    ),
    ("classification", "--train_file t --max_windows 3", "--max_windows does nothing with --long_texts cut"),
    ("classification", "--test_file t --long_texts windows", "windows does nothing if no model is trained"),
    ("classification", "--train_file t --submission_columns id=I", "--submission_columns does nothing without --test"),
    ("classification", "--train_file t --submission_labels numbers", "--submission_labels does nothing without --te"),
    ("classification", "--test_file t --submission_columns id=a,nr=b", "one of id, label, score before the =, found"),
    ("classification", "--test_file t --cleaning_file c", "--cleaning_file does nothing if no model is trained"),
    ("qa_cls", "--train_file t --test_file u --test_share 0.1", "--test_share does nothing together with --test_file"),
    ("qa_cls", "--ask x --question_template {text}？", "--question_template does nothing if no model is trained"),
    ("qa_span", "--test_file t --max_question_length 9", "--max_question_length does nothing if no model"),
    ("mlm", "--train_file t --muon_learning_rate 0.1", "--muon_learning_rate does nothing with --optimizer adamw"),
    ("mlm", "--train_file t --train_tokenizer 99", "--train_tokenizer does nothing without --train_from_config"),
    ("mlm", "--train_file t --streaming --max_steps 9 --max_train_samples 5", "nothing together with --streaming"),
    ("prompt", CLOZE + "--text x --dataset_name no/such", "--dataset_name: run_prompt.py reads files; save a split"),
    ("prompt", CLOZE + "--text x --label_separator |", "--label_separator: a cloze question has one answer"),
    (
        "prompt",
        CLOZE + "--text x --calibrate batch",
        "--calibrate batch divides out the mean answer to the texts of a",
    ),
    ("prompt", SEARCH + "words --validation_file t", "--validation_file does nothing with --search words"),
    ("prompt", CLOZE + "--text x --negatives 9", "--negatives does nothing if no model is trained"),
    ("prompt", CLOZE + "--text x --words_per_class 7", "--words_per_class does nothing with --search None"),
    ("prompt", CLOZE + "--text x --r_drop_alpha 1", "--r_drop_alpha does nothing if no model is trained"),
    ("prompt", CLOZE + "--test_file README.md --output_file o", "--output_file: expected --fill, --text or --search"),
    ("prompt", "--fill x[MASK] --template {text}{mask}", "--template does nothing with --fill"),
    ("prompt", "--fill x[MASK] --train_file t", "--train_file does nothing with --fill"),
    ("prompt", "--fill x[MASK] --validation_file t", "--validation_file does nothing with --fill"),
    ("prompt", "--fill x[MASK] --test_file t", "--test_file does nothing with --fill"),
    ("prompt", "--fill x[MASK] --learning_rate 1e-4", "--learning_rate does nothing with --fill"),
    ("prompt", "--fill x[MASK] --train_file t --adapter lora", "--adapter does nothing with --fill"),
    ("prompt", CLOZE + "--test_file t --template_weights validation", "validation does nothing without --validation_"),
    ("prompt", CLOZE + "--train_file t --few_shot 2 --splits 2 --text x --output_file o", "expected one run, found"),
    ("prompt", SEARCH + "templates --few_shot 2 --splits 2" + FOUND, "--splits does nothing together with --search"),
    ("prompt", SEARCH + "templates --top_k 2" + FOUND, "--top_k does nothing together with --search"),
    ("prompt", SEARCH + "templates --positive_label a" + FOUND, "--positive_label does nothing together with"),
    ("prompt", SEARCH + "words" + FOUND, "--verbalizer does nothing with --search words"),
    ("prompt", SEARCH + "words --aggregation max", "--aggregation does nothing with --search words"),
    ("prompt", SEARCH + "words --template {text}很{mask}。 {text}真{mask}", "words: expected one template, found"),
    (
        "prompt",
        SEARCH + "templates --template_weights validation" + FOUND,
        "validation does nothing together with --se",
    ),
]
ACCEPTED = [
    ("ner", "--train_file t --head softmax --label_smoothing_factor 0.1 --constrained_decoding --class_weights auto"),
    ("ner", "--train_file t --head softmax --loss focal --focal_gamma 2.0"),
    ("ner", "--train_file t --crf_learning_rate 0.1 --scheme bioes --loss default --nested auto --class_weights none"),
    ("ner", "--dataset_name d --head span --nested yes --loss focal --class_weights auto"),
    ("classification", "--train_file t --pooling fusion --fusion_weights equal --target_precision 0.9"),
    ("classification", "--test_file t --skip_bad_lines"),
    ("classification", "--train_file t --long_texts windows --stride 0 --window_pooling max --max_windows 2"),
    ("classification", "--test_file t --submission_columns id=ID,label=Target --submission_labels numbers"),
    ("prompt", CLOZE + "--test_file README.md --max_length 64"),
    ("prompt", CLOZE + "--text x --cleaning_file README.md"),
    ("prompt", SEARCH.replace(" t ", " README.md ") + "words --max_train_samples 8 --max_length 64"),
]

RANGES = [
    ("ner", "--teacher d --teacher_weight 0", "--teacher_weight 0.0: expected a number above 0 and at most 1"),
    ("ner", "--teacher d --teacher_temperature 0", "--teacher_temperature 0.0: expected a number above 0"),
    (
        "qa_cls",
        "--teacher d --unlabeled_file u --teacher_labels hard --teacher_confidence 1.2",
        "--teacher_confidence 1.2: expected a number from 0 to 1",
    ),
    ("ner", "--layer_decay -2", "--layer_decay -2.0: expected a number above 0 and at most 1"),
    ("ner", "--layer_decay 0", "--layer_decay 0.0: expected a number above 0"),
    ("ner", "--ema_decay 7", "--ema_decay 7.0: expected 0 or more and below 1"),
    ("ner", "--fgm_epsilon -3", "--fgm_epsilon -3.0: expected 0 or more"),
    ("ner", "--fgm_epsilon nan", "--fgm_epsilon nan: expected 0 or more"),
    ("ner", "--dropout 1.5", "--dropout 1.5: expected 0 or more and below 1"),
    ("ner", "--max_train_samples -1", "--max_train_samples -1: expected 1 or more"),
    ("ner", "--max_eval_samples 0", "--max_eval_samples 0: expected 1 or more"),
    ("ner", "--validation_share 0", "--validation_share 0.0: expected a number between 0 and 1"),
    ("ner", "--learning_rate -1", "--learning_rate -1.0: expected 0 or more"),
    ("ner", "--learning_rate inf", "--learning_rate inf: expected 0 or more"),
    ("ner", "--num_train_epochs 0", "--num_train_epochs 0.0: expected a number above 0"),
    ("ner", "--per_device_train_batch_size 0", "--per_device_train_batch_size 0: expected 1 or more"),
    ("ner", "--lstm_hidden -8", "--lstm_hidden -8: expected 0 or more"),
    ("ner", "--early_stopping_patience 0", "--early_stopping_patience 0: expected 1 or more"),
    ("classification", "--target_precision 1", "--target_precision 1.0: expected a number between 0 and 1"),
    ("classification", "--max_windows 1", "--max_windows 1: expected 2 or more"),
    ("classification", "--logit_adjustment -1", "--logit_adjustment -1.0: expected 0 or more"),
    ("qa_cls", "--target_accuracy 1.1", "--target_accuracy 1.1: expected a number from 0 to 1"),
    ("qa_span", "--n_best 21", "--n_best 21: expected a number from 1 to 20"),
    ("qa_span", "--max_answer_length 0", "--max_answer_length 0: expected 1 or more"),
    ("mlm", "--mlm_probability 1", "--mlm_probability 1.0: expected a number between 0 and 1"),
    ("prompt", "--few_shot 0", "--few_shot 0: expected 1 or more"),
    ("prompt", "--negatives -1", "--negatives -1.0: expected 0 or more"),
]


def start(script, words, tmp_path):
    SCRIPTS[script].main([*words.split(), "--model_name_or_path", "none/such", "--output_dir", str(tmp_path / "out")])


@pytest.mark.parametrize("script, words, said", REFUSED)
def test_option_that_a_run_would_ignore_is_refused_and_told_what_to_do(script, words, said, tmp_path):
    with pytest.raises(ArgumentError, match=said):
        start(script, words, tmp_path)


@pytest.mark.parametrize("script, words, said", RANGES)
def test_value_out_of_range_is_refused_with_the_range(script, words, said, tmp_path):
    with pytest.raises(ArgumentError) as caught:
        start(script, words + " --train_file t", tmp_path)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("script, words", ACCEPTED)
def test_options_that_a_run_uses_come_as_far_as_its_data(script, words, tmp_path):
    with pytest.raises(Exception) as caught:
        start(script, words, tmp_path)
    assert not isinstance(caught.value, ArgumentError), caught.value


def test_option_of_a_configuration_file_is_refused_as_a_typed_one(tmp_path):
    (tmp_path / "run.yaml").write_text("focal_gamma: 3\nhead: softmax\ntrain_file: t\n")
    with pytest.raises(ArgumentError, match="--focal_gamma does nothing with --loss default"):
        run_ner.main([str(tmp_path / "run.yaml"), "--model_name_or_path", "m", "--output_dir", str(tmp_path / "o")])


@pytest.mark.parametrize("script", ["ner", "mlm"])
def test_teacher_that_the_run_would_overwrite_is_refused(script, tmp_path):
    words = ["--train_file", "t", "--model_name_or_path", "m", "--output_dir", str(tmp_path)]
    for teacher in (tmp_path, tmp_path / "fold-1"):
        with pytest.raises(ArgumentError, match="holds the teacher"):
            SCRIPTS[script].main([*words, "--teacher", str(teacher)])
