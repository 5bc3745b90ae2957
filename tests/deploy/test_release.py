"""A release's files, workflows and numbers agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy import contents, interpreters, lowest, smoke, tag
from deploy.environments import TrialError, clean, run

from unblur import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution, made here by hatchling: two seconds."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", out], cwd=ROOT, check=True)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def test_the_files_hold_what_they_must_and_no_more(built: tuple[Path, Path]) -> None:
    wheel, sdist = built
    assert contents.faults_of_wheel(wheel, ROOT / "src" / "unblur") == []
    assert contents.faults_of_sdist(sdist) == []
    with zipfile.ZipFile(wheel) as archive:
        name = f"unblur-{__version__}.dist-info/METADATA"
        metadata = archive.read(name).decode()
    # Pictures and links of the README lead to the repository, not beside the index's page.
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", metadata) == []
    assert f"/v{__version__}/docs/" in metadata


def test_what_is_missing_or_stray_in_a_file_is_said(tmp_path: Path) -> None:
    wheel, sdist = tmp_path / "x.whl", tmp_path / "x.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("unblur/py.typed", "")
        archive.writestr("tests/__pycache__/a.pyc", "")
    faults = contents.faults_of_wheel(wheel, ROOT / "src" / "unblur")
    assert "x.whl: tests/__pycache__/a.pyc does not belong there" in faults
    assert "x.whl: unblur/weights/default.onnx is missing" in faults
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(ROOT / "LICENSE", "x/web/LICENSE")
    assert "x.tar.gz: web does not belong there" in contents.faults_of_sdist(sdist)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    text = path.read_text()
    workflow: dict[Any, Any] = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "group" in workflow["concurrency"]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    stages = re.findall(r"^FROM .+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            action = step.get("uses", "")
            assert not action or re.search(r"@(v\d+|release/v\d+|[0-9a-f]{40})$", action), action
            called = step.get("run", "")
            assert not called.startswith("make") or called.split()[1] in targets, called
            for module in re.findall(r"-m (deploy\.\w+)", called):
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
            for name in re.findall(r"(?<![\w/])tests/[\w./]+", called):
                assert (ROOT / name).exists(), name
        for image in job.get("strategy", {}).get("matrix", {}).get("include", []):
            assert image["target"] in stages
    for name in re.findall(r"cache-dependency-path: (\S+)", text):
        assert (ROOT / name).is_file(), name


def test_every_supported_python_is_tried_on_every_system() -> None:
    versions = interpreters.supported(ROOT / "pyproject.toml")
    assert PROJECT["requires-python"] == f">={versions[0]}"
    workflows = {p.stem: yaml.safe_load(p.read_text()) for p in WORKFLOWS}
    matrix = workflows["ci"]["jobs"]["install"]["strategy"]["matrix"]
    assert matrix["python"] == versions
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    setup = workflows["release"]["jobs"]["build"]["steps"][1]["with"]["python-version"]
    assert sorted(setup.split()) == versions


def test_only_the_jobs_that_need_it_may_write() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["pypi"]["environment"]["name"] == "pypi"
    assert "permissions" not in jobs["build"]
    assert jobs["pypi"]["needs"] == ["build", "attest"]


def test_the_version_is_the_same_everywhere_and_has_its_changes() -> None:
    home = PROJECT["urls"]["Source"].removeprefix("https://github.com/")
    assert tag.faults(ROOT, f"v{__version__}", home) == []
    assert "unblur doctor" in tag.changes(ROOT, __version__)
    assert tag.changes(ROOT, "9.9.9") == ""
    wrong = tag.faults(ROOT, "v9.9.9", "somebody/else")
    assert wrong[0] == f"v9.9.9 is not v{__version__}, the package's version"
    assert len(wrong) == 1 + len(PROJECT["urls"])
    assert f'"version": "{__version__}"' in (ROOT / "web" / "package.json").read_text()


def test_every_extra_is_tried() -> None:
    extras = set(PROJECT["optional-dependencies"]) - {"dev", "docs"}
    assert set(smoke.EXTRAS) == {*smoke.QUICK, *smoke.HEAVY} == extras


def test_this_python_is_found_and_a_version_that_there_is_not_is_none() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters.find(version)
    assert found is not None
    said, _ = run([found, "-c", "import sys; print(sys.version_info[:2])"])
    assert said.strip() == str(sys.version_info[:2])
    assert interpreters.find("3.99") is None


def test_a_command_that_fails_is_told_with_the_end_of_what_it_said() -> None:
    code = "import sys; print('first'); print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(TrialError, match=r"(?s)exit code 3\nfirst\nwhy$"):
        run([sys.executable, "-c", code])
    with pytest.raises(TrialError, match="No such file"):
        run(["no-such-program"])


def test_a_trial_does_not_see_what_developing_sets() -> None:
    ours = {"PIP_CONSTRAINT": "x", "PYTHONPATH": "src", "UNBLUR_PORT": "1", "PATH": "/bin"}
    assert "PATH" in clean(ours)
    assert not {"PIP_CONSTRAINT", "PYTHONPATH", "UNBLUR_PORT"} & set(clean(ours))


def test_direct_requirements_are_those_of_the_package_itself() -> None:
    pinned = "# by uv\ncffi==2.1  # via pyvips\nnumpy==2.0  # via unblur (pyproject.toml), pyvips\n"
    assert lowest.direct(pinned) == ["numpy==2.0"]
