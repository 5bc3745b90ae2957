"""A link that is written as its page's file name is shown as the page's title on the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig

LINK = re.compile(r"\[([\w-]+\.md)\]\((\1(?:#[\w-]+)?)\)")


def on_page_markdown(markdown: str, *, config: MkDocsConfig, **_: Any) -> str:
    titles = dict(_titles(config.nav))
    return LINK.sub(lambda found: f"[{titles.get(found[1], found[1])}]({found[2]})", markdown)


def _titles(nav: Any) -> Iterator[tuple[str, str]]:
    """The pages of the navigation with their titles there."""
    if isinstance(nav, list):
        for item in nav:
            yield from _titles(item)
    elif isinstance(nav, dict):
        for title, item in nav.items():
            if isinstance(item, str):
                yield item, title
            else:
                yield from _titles(item)
