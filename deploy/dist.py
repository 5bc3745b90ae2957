"""`make dist`: builds the wheel and the source distribution, and tries them as a new user would.

The wheel is installed in a fresh environment of each supported Python that this machine has, and
used in an empty folder. Extras are installed one by one, each in an environment of its own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import interpreters, smoke
from deploy.contents import digests, faults_of_sdist, faults_of_wheel
from deploy.environments import TrialError, create, run
from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "text_motion.jpg"


@dataclass
class Row:
    """A line of the table; what was not reached is None."""

    what: str
    installed: float | None = None
    install: float | None = None
    first: float | None = None
    fault: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.dist", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the files")
    parser.add_argument(
        "--extras",
        choices=("none", "quick", "all"),
        default="quick",
        help="install no extras; those without PyTorch, the others being resolved alone; or all",
    )
    parser.add_argument(
        "--python", action="append", help="try this version only; repeatable", metavar="3.N"
    )
    given = parser.parse_args()
    say = Console(soft_wrap=True, highlight=False).print
    wheel, sdist = build(given.out)
    faults = [*faults_of_wheel(wheel, ROOT / "src" / "unblur"), *faults_of_sdist(sdist)]
    faults += check(wheel, sdist)
    say(*(f"{file.name}  {file.stat().st_size / 1e6:.1f} MB" for file in (wheel, sdist)), sep="\n")
    rows, found = [], []
    for version in given.python or interpreters.supported(ROOT / "pyproject.toml"):
        python = interpreters.find(version)
        if python is None:
            say(f"Python {version}: not on this machine, not tried")
            continue
        found.append(python)
        say(f"Python {version}: {python}")
        rows.append(trial(python, version, wheel))
    if not found:
        faults.append("none of the supported Pythons is on this machine")
    elif given.extras != "none":
        rows += [extra(found[0], name, wheel, given.extras == "all") for name in smoke.EXTRAS]
    Console().print(table(rows, wheel))
    faults += [f"{row.what}: {row.fault}" for row in rows if row.fault]
    for fault in faults:
        print(f"dist: {fault}", file=sys.stderr)
    return 1 if faults else 0


def build(out: Path) -> tuple[Path, Path]:
    """Builds the wheel and the source distribution anew; returns their paths."""
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-m", "build", "--outdir", folder, str(ROOT)])
        out.mkdir(parents=True, exist_ok=True)
        for old in (*out.glob("unblur-*.whl"), *out.glob("unblur-*.tar.gz")):
            old.unlink()
        (wheel,), (sdist,) = (list(Path(folder).glob(f"*{e}")) for e in (".whl", ".tar.gz"))
        return (Path(shutil.move(wheel, out)), Path(shutil.move(sdist, out)))


def check(wheel: Path, sdist: Path) -> list[str]:
    """Faults of the source distribution: what the wheel that it builds has otherwise."""
    faults = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
            run([*pip, "--wheel-dir", folder, sdist])
            (again,) = Path(folder).glob("*.whl")
            if digests(again) != digests(wheel):
                faults.append(f"{sdist.name}: a wheel built from it differs from {wheel.name}")
    except TrialError as error:
        faults.append(str(error))
    return faults


def trial(python: Path, version: str, wheel: Path) -> Row:
    """Installs the wheel and uses it in an empty folder."""
    row = Row(f"Python {version}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            env = create(python, folder / "env")
            row.install = env.install(str(wheel))
            row.installed = env.megabytes()
            run([env.python, "-m", "pip", "check"])
            work = folder / "work"
            work.mkdir()
            shutil.copy(PHOTO, work / "photo.jpg")
            started = time.perf_counter()
            run([env.unblur, "deblur", "photo.jpg"], cwd=work)
            row.first = time.perf_counter() - started
            said, _ = run([env.unblur, "--version"], cwd=work)
            expected = f"unblur {wheel.name.split('-')[1]}"
            if said.splitlines()[0] != expected:
                row.fault = f"--version says {said.splitlines()[0]!r}, not {expected!r}"
            run([env.unblur, "doctor"], cwd=work)
            smoke.base(env, work)
        except TrialError as error:
            row.fault = str(error)
    return row


def extra(python: Path, name: str, wheel: Path, all_of_them: bool) -> Row:
    """Installs the wheel with an extra and tries it; of a heavy one, asks pip what it would do."""
    row = Row(f"[{name}]")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        try:
            env = create(python, folder / "env")
            if name in smoke.HEAVY and not all_of_them:
                row.what += ", resolved alone"
                row.install = env.install("--dry-run", f"{wheel}[{name}]")
                return row
            row.install = env.install(f"{wheel}[{name}]")
            row.installed = env.megabytes()
            run([env.python, "-m", "pip", "check"])
            work = folder / "work"
            work.mkdir()
            shutil.copy(PHOTO, work / "photo.jpg")
            smoke.EXTRAS[name](env, work)
        except TrialError as error:
            row.fault = str(error)
    return row


def table(rows: list[Row], wheel: Path) -> Table:
    """What was tried, with sizes and seconds."""
    out = Table("tried", title=f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB")
    for heading in ("installed, MB", "install, s", "first deblur, s"):
        out.add_column(heading, justify="right")
    out.add_column("result")
    for row in rows:
        cells = [f"{row.installed:.0f}" if row.installed is not None else ""]
        cells += ["" if v is None else f"{v:.1f}" for v in (row.install, row.first)]
        out.add_row(escape(row.what), *cells, "failed" if row.fault else "ok")
    return out


if __name__ == "__main__":
    sys.exit(main())
