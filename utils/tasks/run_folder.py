"""A run from its command line to its files in `--output_dir`: the steps that all scripts share."""

import copy
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import transformers
from datasets import Dataset
from torch.utils.data import IterableDataset
from transformers import PreTrainedModel, Trainer

from ..data.errors import ArgumentError
from ..options.adapter_arguments import FASTER
from ..options.arguments import Options, check_use
from ..options.shared_arguments import TrickArguments
from ..reporting.run_summary import pages, summarize_run
from ..running import finished_runs, processes, run_setup
from ..running.atomic_files import write_files
from ..running.hub import Destination, push
from ..running.output_folder import open_output_dir
from ..training.batch_size import Batches
from ..training.saved_model import complete, train_and_save
from ..training.tricks import build_trainer
from .answers import SplitAnswers
from .split_data import encode_splits
from .teaching import Teaching

logger = logging.getLogger(__name__)


class Run:
    """A run of a script; see `open_run`.

    Attributes:
        training: the trainer's arguments.
        output_dir: the folder; None until it is opened.
        teaching: what is learnt from a teacher; None if there is none.
        aside: validation and test data that a run of one of `--folds` does not use.
    """

    def __init__(self, parsed: Sequence, **changes):
        *self.groups, self.choices = parsed
        self.options, self.output_dir, self.teaching, self.aside = Options(parsed), None, None, {}
        for one in self.groups:  # fields that have another meaning here, which the trainer must not see
            changes = dict.fromkeys(getattr(one, "_training_fields", ())) | changes
        rate = self.options.faster(self.choices)
        self.training = self.choices.build(**changes, **rate)
        run_setup.set_up_logging(main_process=self.training.process_index == 0)
        if rate:
            shown = rate["learning_rate"], FASTER[self.options.adapter]
            logger.info("--learning_rate %g: %s x that of full fine-tuning", *shown)
        if self.training.push_to_hub and self._crosses:
            raise ArgumentError(
                "--push_to_hub: expected one model, found --folds, which leave an ensemble; leave it out, and push "
                "the model of a fold, or the mean of all (scripts/average_weights.py), with scripts/push.sh"
            )
        self.destination = Destination.of(self.training)  # checked now, not after hours of training

    def open_folder(self) -> Path:
        """Create `--output_dir`, or raise an error that says why it cannot be used, see `prepare_output_dir`.

        Raises:
            Finished: it holds this run, which is to be continued, and is finished.
        """
        model, overwrite = self.options.model_name_or_path, self.options.overwrite_output_dir
        self.output_dir = open_output_dir(self.training, model=model, overwrite=overwrite)
        if self._continues():
            told = self.options.told(), self.options.given
            results = processes.once(finished_runs.find_finished, self.output_dir, *told)
            if results is not None:
                raise finished_runs.Finished(results)
        return self.output_dir

    def _continues(self) -> bool:
        """Whether this run trains one model, from the last checkpoint on."""
        data = self.options.train_file or self.options.dataset_name
        asked = str(self.training.resume_from_checkpoint).lower()
        return bool(data) and not self._crosses and asked in ("last", "true")

    @property
    def _crosses(self) -> bool:
        """Whether this run trains a model for each fold."""
        return getattr(self.options, "folds", None) is not None and self.options.fold is None

    def check_splits(self, dataset: Mapping[str, Any]) -> None:
        """Refuse options of training if the data set of `--dataset_name` turns out to have no split for it.

        Args:
            dataset: what was read, by split.

        Raises:
            ArgumentError: such an option is given.
        """
        if "train" in dataset or not self.options.dataset_name:
            return
        try:
            check_use((*self.groups, self.choices), trains=False)
        except ArgumentError as error:
            found = ", ".join(dataset) or "none"
            name = self.options.dataset_name
            raise ArgumentError(f"{name}: expected a split named train, found {found}; so {error}") from None

    @property
    def holding(self) -> dict[str, Any]:
        """For `split_data.add_evaluation`: where ids of rows go, and what takes the data that the run does not use."""
        return {"folder": self.output_dir, "aside": self.aside.update}

    def take_teacher(
        self, dataset: Mapping[str, Dataset], labels: Sequence[str] = (), *, remembered: Mapping | None = None
    ) -> dict[str, Dataset]:
        """Let the teacher of `--teacher`, if any, read what is to be learnt; see `Teaching.prepare`."""
        if not self.options.teacher or "train" not in dataset or self._crosses:
            return dict(dataset)
        asked = self.options, self.training, self.output_dir
        told = {"aside": self.aside, "remembered": remembered}
        self.teaching, dataset = Teaching.prepare(dataset, labels, *asked, **told)
        return dataset

    def encode(self, dataset: Mapping[str, Dataset], encoder: Callable, *, describe: Callable) -> dict[str, Dataset]:
        """The inputs of each split, see `encode_splits`, and those that are learnt from the teacher alone."""
        if self.teaching:
            self.teaching.encode(encoder, describe=describe)
        return encode_splits(dataset, encoder, describe=describe)

    def fresh(self, load_model: Callable[..., PreTrainedModel], *which) -> PreTrainedModel:
        """A model whose new weights are initialised with the seed of the run."""
        transformers.set_seed(self.training.seed)
        return load_model(*which)

    def learn(
        self,
        load_model: Callable[[], PreTrainedModel],
        encoded: Mapping[str, Any],
        evaluate: Callable | None = None,
        **parts,
    ) -> tuple[Trainer, dict[str, float]]:
        """Train, and save the model at once; without training data, prepare the model for prediction.

        For each batch size that is tried, the trainer is built again with a newly loaded model.

        Args:
            load_model: returns a new model, or a trained one; called with the seed set.
            encoded: inputs by split: `train`, and `validation` to choose the best checkpoint on.
            evaluate: scores the validation data, see `Trainer.compute_metrics`.
            **parts: see `build_trainer`.

        Returns:
            The trainer, and its training metrics.
        """
        train, validation, results = encoded.get("train"), encoded.get("validation"), {}
        if self.teaching:
            train, results = self.teaching.join_rows(train), dict(self.teaching.results)
            parts["lessons"] = self.teaching.lessons
        self.training = settle(self.training, train, validation)
        flags = next(one for one in self.groups if isinstance(one, TrickArguments))

        def build(batches: Batches) -> Trainer:
            data = {"train_dataset": train, "eval_dataset": validation, "compute_metrics": evaluate}
            return build_trainer(self.fresh(load_model), self.training, batches, flags, **data, **parts)

        if train is None:
            return build(Batches.of(self.training)), {}
        processes.once(finished_runs.note_options, self.output_dir, self.options.told())
        trainer, metrics = train_and_save(build, self.training, self.output_dir)
        return trainer, results | metrics

    def leave(
        self,
        results: Mapping[str, float],
        *,
        trainer: Trainer | None = None,
        learnt: bool = True,
        task: Any = None,
        found: SplitAnswers | None = None,
        settled: Sequence = (),
        read: Iterable[str] | None = None,
        **summary,
    ) -> None:
        """Write the files of the run, `run.json` last, remove its checkpoints, push it, and log a summary.

        Args:
            results: scores, and the costs of training.
            trainer: with the model; None if there is no model to save.
            learnt: whether the model was trained in this run.
            task: gives the model's decision fields and its card, see `answers`.
            found: the answers for the splits.
            settled: argument objects in which values that the command line left open are filled in.
            read: data files; if not given, those that the command line names.
            **summary: `trained` or `command`, see `run_summary.summarize_run`.
        """
        first, shown = self.training.process_index == 0, ""
        record = partial(self._record, results, settled, read, learnt=learnt)
        told = {"trainer": trainer if learnt else None, "task": task, "found": found, **summary}
        if learnt:
            shown = processes.once(self._write, record, results, **told)
            if self.training.local_process_index == 0 and not self.options.keep_checkpoints:
                finished_runs.remove_checkpoints(self.output_dir)
        elif first:
            shown = self._write(record, results, **told)
        if first:
            push(self.output_dir, self.destination)
            logger.info("\n%s\n", shown)

    def _write(self, record: Callable[[], dict], results, *, trainer, task, found, **summary) -> str:
        """Write the files of the run; of one that has not learnt, there is no `trainer`. Returns the summary."""
        left, found = found.list_files() if found else {}, found or SplitAnswers()
        record, state = record(), None
        if trainer:
            state = trainer.state
            trainer.model.config.update(task.decision())
            complete(self.output_dir, trainer, card=task.card(record, found.reports))
        left |= {"all_results.json": dict(results)}
        left |= pages(record, found.errors, state)  # error_report.html, curves.png
        write_files(self.output_dir, left | {"run.json": record})
        (self.output_dir / finished_runs.OPTIONS).unlink(missing_ok=True)  # run.json has them now
        return summarize_run(record, found.errors, state, **summary)

    def _record(self, results, settled: Sequence, read: Iterable[str] | None, *, learnt: bool) -> dict:
        if read is None:
            read = [self.options.train_file, self.options.validation_file, self.options.test_file]
        training = copy.copy(self.training)
        training.do_train = learnt
        told = [*self.groups, *settled, training]
        record = run_setup.record_run(told, files=read, started=self.options.started, results=dict(results))
        return record | {"options": finished_runs.tell_options(self.options.told())}


def open_run(parsed: Sequence, *, folder: bool = True, **changes) -> Run:
    """Begin a run: set up logging, build the trainer's arguments, check access to the Hub, and create the folder.

    Args:
        parsed: what `parse_arguments` returned, after `check_use`.
        folder: whether the folder is created now; otherwise call `Run.open_folder`.
        **changes: of the trainer's arguments.

    Raises:
        ArgumentError, OSError: options that contradict each other, a folder that cannot be used, no access to the Hub.
    """
    run = Run(parsed, **changes)
    if folder:
        run.open_folder()
    return run


def settle(training, train, validation):
    """Adapt the trainer's arguments to the splits that exist.

    Args:
        training: from the command line; not changed.
        train: training data or None. A stream has no epochs, so it is saved and evaluated by steps.
        validation: data to choose the best checkpoint on; without it the last one is kept.
    """
    training = copy.copy(training)
    if train is not None and validation is None:
        logger.info("no validation data: the last checkpoint is kept, not the best")
        training.load_best_model_at_end = False
    if train is None or validation is None:
        training.eval_strategy = "no"
    if isinstance(train, IterableDataset):
        training.save_strategy = "steps" if training.save_strategy == "epoch" else training.save_strategy
        if training.eval_strategy == "epoch":
            training.eval_strategy, training.eval_steps = "steps", training.save_steps
    return training
