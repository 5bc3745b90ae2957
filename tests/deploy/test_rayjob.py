"""deploy/rayjob.yaml says what the program, its Ray and its image are: no cluster is needed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    job, account = yaml.safe_load_all((ROOT / "deploy" / "rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    pods = [group["template"]["spec"] for group in groups(job)]
    assert {pod["serviceAccountName"] for pod in pods} == {account["metadata"]["name"]}
    return job["spec"]


def groups(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job.get("spec", job)["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def test_its_ray_is_the_pinned_one(job: dict[str, Any]) -> None:
    pinned = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned == [job["rayClusterSpec"]["rayVersion"]]


def test_its_command_is_one_that_the_program_takes(job: dict[str, Any]) -> None:
    from unblur.cli import app

    program, command, *arguments = shlex.split(job["entrypoint"])
    assert (program, command) == ("unblur", "bulk")
    group: Any = typer.main.get_command(app)
    given = group.commands[command].make_context(command, arguments).params
    _, workers = groups(job)
    # One actor a worker, and as many at most.
    assert given["actors"] == (workers["minReplicas"], workers["maxReplicas"])
    (container,) = workers["template"]["spec"]["containers"]
    assert given["cpus_per_actor"] == int(container["resources"]["requests"]["cpu"])


def test_its_pods_are_of_the_images_stage_and_user(job: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    stage = re.split(r"^FROM .+ AS cluster$", dockerfile, flags=re.MULTILINE)[1]
    stage = stage.partition("\nFROM ")[0]
    user = re.findall(r"^USER (\d+)$", stage, re.MULTILINE)
    docs = (ROOT / "docs" / "cluster.md").read_text()
    for group in groups(job):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert [str(pod["securityContext"]["runAsUser"])] == user
        assert container["image"] in docs
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert "build --target cluster" in docs
    assert groups(job)[0]["rayStartParams"]["num-cpus"] == "0"
