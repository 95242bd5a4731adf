"""The files under configs/accelerate/ are ones that `accelerate launch` takes, with the commands that they show."""

import re

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser

from tests.processes.launching import ROOT

FILES = sorted((ROOT / "configs" / "accelerate").glob("*.yaml"))
# Name -> (kind as accelerate has it, machines, processes on all of them)
KINDS = {
    "cpus": ("MULTI_GPU", 1, 2),
    "deepspeed_zero2": ("DEEPSPEED", 1, 4),
    "deepspeed_zero3": ("DEEPSPEED", 1, 4),
    "fsdp": ("FSDP", 1, 4),
    "gpus": ("MULTI_GPU", 1, 4),
    "machines": ("MULTI_GPU", 2, 8),
}


def test_there_is_a_file_for_each_way():
    assert [path.stem for path in FILES] == list(KINDS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_accelerate_reads_the_file(path):
    kind, machines, processes = KINDS[path.stem]
    config = load_config_from_file(str(path))
    assert (config.distributed_type.value, config.num_machines, config.num_processes) == (kind, machines, processes)
    assert bool(config.fsdp_config) == (kind == "FSDP") and bool(config.deepspeed_config) == (kind == "DEEPSPEED")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_command_in_the_file_is_one_that_the_launcher_takes(path):
    commands = re.findall(r"^#\s+accelerate launch (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 1
    given = launch_command_parser().parse_args(commands[0].split())
    assert given.config_file == f"configs/accelerate/{path.name}"
    assert all((ROOT / name).is_file() for name in (given.training_script, *given.training_script_args))
    given.config_file = str(path)
    args, _, _ = _validate_launch_command(given)
    kind, machines, processes = KINDS[path.stem]
    assert (args.num_machines, args.num_processes) == (machines, processes)
    assert (args.use_fsdp, args.use_deepspeed) == (kind == "FSDP", kind == "DEEPSPEED")
    if kind == "FSDP":
        assert (int(args.fsdp_version), args.fsdp_state_dict_type) == (2, "FULL_STATE_DICT")
    if kind == "DEEPSPEED":
        assert f"zero{args.zero_stage}" in path.stem and args.gradient_accumulation_steps == 1
    if kind == "MULTI_GPU":
        assert args.multi_gpu and not args.cpu


def test_unknown_key_is_refused(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(FILES[0].read_text(encoding="utf-8") + "number_of_gpus: 2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="number_of_gpus"):
        load_config_from_file(str(path))
