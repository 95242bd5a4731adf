"""What is taken from the inside of `Trainer` stands in one table, so that an update that moves it fails here first."""

import ast
import inspect
from collections.abc import Iterable, Iterator

import pytest
from transformers import Trainer

from tests.source_tree import Source, parse, read_sources, shipped

# Why no callback can do the work is said where each is overridden.
TAKEN = {
    "_get_grad_norm": "(self, model, grad_norm=None)",
    "_get_output_dir": "(self, trial)",
    "_get_train_sampler": "(self, train_dataset=None)",
    "_run_epoch": "(self, model, epoch, train_dataloader, steps_in_epoch, num_update_steps_per_epoch, trial, "
    "ignore_keys_for_eval, start_time, resume_from_checkpoint, epochs_trained, steps_trained_in_current_epoch)",
    "_save": "(self, output_dir=None, state_dict=None)",
    "_save_checkpoint": "(self, model, trial)",
}


def parameters_of(name: str) -> str:
    signature = inspect.signature(getattr(Trainer, name))
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(bare))


def inside_of_trainer() -> set[str]:
    """The private methods and attributes of `Trainer`."""
    names = set(dir(Trainer))
    for node in ast.walk(ast.parse(inspect.getsource(Trainer))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            names.add(node.attr)
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def taken_from_inside(sources: Iterable[Source]) -> Iterator[tuple[str, str]]:
    """Place and name of whatever is called as something inside of `Trainer`: definitions, uses, `getattr`s."""
    inside = inside_of_trainer()
    for source in sources:
        for node in ast.walk(source.tree):
            for name in (getattr(node, field, None) for field in ("attr", "name", "id", "value")):
                if name in inside:
                    yield f"{source.path}:{node.lineno}", name


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_from_the_inside_of_trainer_has_the_parameters_that_it_had(name):
    assert parameters_of(name) == TAKEN[name]


def test_nothing_else_is_taken_from_the_inside_of_trainer():
    inside, sources = inside_of_trainer(), shipped(read_sources())
    assert len(inside) > 60 and {"_inner_training_loop", "_tr_loss", "_eval_dataloaders"} <= inside
    assert len(sources) > 150
    found = list(taken_from_inside(sources))
    assert [place for place, name in found if name not in TAKEN] == []
    assert {name for _, name in found} == TAKEN.keys()


def test_what_is_not_in_the_table_is_found():
    text = """
class Own(TrickTrainer):
    _load_best_model = None
    def _wrap_model(self, model):
        return super()._wrap_model(model)
    def _ours(self):
        return getattr(self, "_tr_loss"), self._memory_tracker
"""
    found = sorted(taken_from_inside(parse({"own.py": text}).values()))
    places = {3: "_load_best_model", 4: "_wrap_model", 5: "_wrap_model", 7: "_memory_tracker"}
    assert found == sorted([(f"own.py:{line}", name) for line, name in places.items()] + [("own.py:7", "_tr_loss")])
