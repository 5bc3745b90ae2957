"""Refuses a release whose tag, version, changelog and addresses do not agree."""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.tag", description=__doc__)
    parser.add_argument("tag", help="the tag's name: v and the version")
    parser.add_argument("--repository", help="OWNER/NAME on GitHub, which releases")
    parser.add_argument("--notes", type=Path, help="file to write the release's changes into")
    given = parser.parse_args()
    found = faults(ROOT, given.tag, given.repository)
    for fault in found:
        print(f"tag: {fault}", file=sys.stderr)
    if given.notes and not found:
        given.notes.write_text(changes(ROOT, given.tag.removeprefix("v")), encoding="utf-8")
    return 1 if found else 0


def faults(root: Path, tag: str, repository: str | None = None) -> list[str]:
    """What does not agree with a tag, each as a line."""
    version = _version(root)
    found = [] if tag == f"v{version}" else [f"{tag} is not v{version}, the package's version"]
    cited = re.findall(r"^version: (.+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)
    if cited != [version]:
        found.append(f"CITATION.cff is of version {', '.join(cited) or 'none'}, not {version}")
    if not changes(root, version):
        found.append(f"CHANGELOG.md has no dated section: ## {version} (YYYY-MM-DD)")
    if repository:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        home = f"https://github.com/{repository}"
        found += [
            f"pyproject.toml: {name} is {url}, not in {home}"
            for name, url in project["urls"].items()
            if url != home and not url.startswith(f"{home}/")
        ]
    return found


def changes(root: Path, version: str) -> str:
    """The changelog's section about a version; "" if there is none with a date."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    head = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    sections = re.split(r"(?m)(?=^## )", text)
    return next(
        (s.partition("\n")[2].strip() + "\n" for s in sections if re.match(head, s, re.MULTILINE)),
        "",
    )


def _version(root: Path) -> str:
    text = (root / "src" / "unblur" / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]


if __name__ == "__main__":
    sys.exit(main())
