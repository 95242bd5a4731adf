"""Two machines of different addresses: network namespaces of this one, with a cable between them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import run_jobs
from tests.processes.jobs import HEADS, losses_of, training_jobs
from tests.processes.launching import ACCELERATE, ROOT, environment

pytestmark = pytest.mark.long

ADDRESSES = ("10.77.0.1", "10.77.0.2")


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, encoding="utf-8")


@pytest.fixture
def machines():
    """(namespace, network interface) of two machines; both are gone afterwards."""
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip` command to make network namespaces with")
    names = [f"weitiao{os.getpid()}{side}" for side in "ab"]
    cables = [f"wt{os.getpid() % 10**8}{side}" for side in "ab"]  # 15 characters at most
    try:
        for name in names:
            if (made := ip("netns", "add", name)).returncode:
                pytest.skip(f"no right to make network namespaces: {made.stderr.strip()}")
        steps = [("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])]
        for name, cable, address in zip(names, cables, ADDRESSES, strict=True):
            steps += [
                ("link", "set", cable, "netns", name),
                ("-n", name, "addr", "add", f"{address}/24", "dev", cable),
            ]
            steps += [("-n", name, "link", "set", device, "up") for device in ("lo", cable)]
        for step in steps:
            if (made := ip(*step)).returncode:
                pytest.skip(f"no right to lay a cable, ip {' '.join(step)}: {made.stderr.strip()}")
        yield list(zip(names, cables, strict=True))
    finally:
        for name in names:
            ip("netns", "delete", name)
        ip("link", "delete", cables[0])


@pytest.mark.slow
def test_two_machines_learn_as_one(machines, alone, still_models, samples, tmp_path):
    jobs = training_jobs(still_models, samples, tmp_path, processes=2)[list(HEADS).index("crf")]
    (tmp_path / "jobs.json").write_text(json.dumps([jobs]), encoding="utf-8")
    program = [run_jobs.__file__, str(tmp_path / "jobs.json"), str(tmp_path / "results.json")]
    started = []
    for rank, (name, cable) in enumerate(machines):
        launch = [*ACCELERATE, "--config_file", "configs/accelerate/machines.yaml", "--num_processes", "2"]
        launch += ["--machine_rank", str(rank), "--main_process_ip", ADDRESSES[0], *program]
        log = (tmp_path / f"{rank}.log").open("w")
        command = ["ip", "netns", "exec", name, *launch]
        own = environment(GLOO_SOCKET_IFNAME=cable)
        started.append(subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log))
    codes = [each.wait(timeout=300) for each in started]
    assert codes == [0, 0], "".join(path.read_text(encoding="utf-8")[-3000:] for path in Path(tmp_path).glob("*.log"))
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [each["world_size"] for each in results] == [2, 2]
    assert len(results[0]["written"]) > 5 and results[1]["written"] == []
    assert losses_of(tmp_path / "crf") == pytest.approx(losses_of(alone / "crf"), abs=1e-4)
