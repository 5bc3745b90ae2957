"""The package tells type checkers everything: they need to infer nothing that others import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from unblur import __file__ as package


def test_every_public_name_has_a_known_type(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--verifytypes", "unblur"]
    command += ["--ignoreexternal", "--outputjson"]
    # It looks for packages where the first Python on PATH does.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Not in the checkout, whose pyproject.toml names folders that are not part of the package.
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=False,
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    assert Path(found["moduleRootDirectory"]) == Path(package).parent
    wrong = [
        f"{symbol['name']}: {diagnostic['message']}"
        for symbol in found["symbols"]
        if symbol["isExported"] and not (symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"])
        for diagnostic in symbol["diagnostics"]
    ]
    assert (found["completenessScore"], wrong) == (1, [])
