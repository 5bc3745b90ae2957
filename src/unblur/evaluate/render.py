"""A table of figures, and its three forms: text for a terminal, Markdown and HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import rich.table

Path = tuple[str | int, ...]
"""Keys and indices that lead from an entry of a result to a value."""
_ARROWS = {"higher": "↑", "lower": "↓", "": ""}


@dataclass(frozen=True)
class Column:
    """A column: its head, where its figures stand, and how they are written.

    Attributes:
        title: in HTML.
        path: from an entry to its figure, or text.
        form: format specification.
        better: which figures are better, if any are.
        short: the title in text and Markdown; by default `title`, with an arrow.
        unit: what figures are divided by.
        interval: from an entry to the interval of its figure.
        label: from an entry to what its figure is of.
        infinity: the figure that stands for infinity.
        missing: what text and Markdown say where there is no figure; HTML has a dash.
    """

    title: str
    path: Path = ("name",)
    form: str = ""
    better: Literal["higher", "lower", ""] = ""
    short: str = ""
    unit: float = 1
    interval: Path = ()
    label: Path = ()
    infinity: float = math.inf
    missing: str = ""

    def head(self) -> str:
        """The title in text and Markdown."""
        return self.short or f"{self.title} {_ARROWS[self.better]}".rstrip()

    def value(self, entry: Any) -> Any:
        """The figure or the text of an entry; None if it has none."""
        value = _at(entry, self.path)
        if value is None or isinstance(value, str):
            return value
        return math.inf if value == self.infinity else value / self.unit

    def plain(self, entry: Any) -> str:
        """As text: the figure with its interval, or in parentheses behind its label."""
        value = self.value(entry)
        if value is None:
            return self.missing
        figure = format(value, self.form)
        if interval := _at(entry, self.interval):
            return f"{figure} [{', '.join(format(x, self.form) for x in interval)}]"
        label = _at(entry, self.label)
        return f"{label} ({figure})" if label else figure

    def figure(self, entry: Any) -> str:
        """The figure alone, as HTML shows it."""
        value = self.value(entry)
        if value is None or value != value:
            return "-"
        return "∞" if value == math.inf else format(value, self.form)


@dataclass(frozen=True)
class Table:
    """A row for each entry, the first column naming it, and lines under the table."""

    title: str
    columns: Sequence[Column]
    entries: Sequence[Any]
    notes: Sequence[str] = ()

    def plain(self) -> list[list[str]]:
        """The heads, and then the rows, as text."""
        rows = [[column.plain(entry) for column in self.columns] for entry in self.entries]
        return [[column.head() for column in self.columns], *rows]


def text(table: Table) -> list[Any]:
    """For rich to print: the table, then its lines."""
    heads, *rows = table.plain()
    shown = rich.table.Table(title=table.title, title_justify="left")
    for index, head in enumerate(heads):
        shown.add_column(head, justify="right" if index else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    return [shown, *table.notes]


def markdown(tables: Sequence[Table]) -> str:
    """A Markdown document of tables, each with its title and its lines."""
    parts = []
    for table in tables:
        rows = [list(map(_escaped, row)) for row in table.plain()]
        notes = "\n".join(f"- {_escaped(note)}" for note in table.notes)
        parts += [f"### {_escaped(table.title)}", pipes(rows, "---:"), *([notes] if notes else [])]
    return "\n\n".join(parts) + "\n"


def pipes(rows: Sequence[Sequence[str]], rule: str = "---") -> str:
    """A Markdown table of escaped texts, the first row its head.

    Args:
        rule: what stands under the heads but the first; "---:" aligns their columns right.
    """
    heads, *rest = rows
    lines = [heads, ["---", *[rule] * (len(heads) - 1)], *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def html(table: Table, best: bool = False) -> str:
    """The table in HTML, without title and lines; a script sorts it by the `data-` attributes.

    Args:
        best: whether the best figure of each column is strong.
    """
    heads = "".join(map(_head, table.columns))
    first, *columns = table.columns
    best = best and len(table.entries) > 1
    bests = [_best(column, table.entries) if best else None for column in columns]
    body = ""
    for entry in table.entries:
        cells = "".join(_cell(c, entry, top) for c, top in zip(columns, bests, strict=True))
        body += f'<tr><th scope="row">{escape(first.plain(entry))}</th>{cells}</tr>'
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(column: Column) -> str:
    arrow = f" <span>{_ARROWS[column.better]}</span>" if column.better else ""
    hint = f' title="{column.better} is better"' if column.better else ""
    return (
        f'<th scope="col" data-better="{column.better}"{hint}>'
        f'<button type="button">{escape(column.title)}{arrow}</button></th>'
    )


def _best(column: Column, entries: Sequence[Any]) -> float | None:
    values = [x for x in map(column.value, entries) if x is not None and x == x]
    if not values or not column.better:
        return None
    return max(values) if column.better == "higher" else min(values)


def _cell(column: Column, entry: Any, best: float | None) -> str:
    value, shown = column.value(entry), column.figure(entry)
    key = "" if shown == "-" else repr(float(value)).replace("inf", "Infinity")
    if best is not None and value == best:
        shown = f"<strong>{shown}</strong>"
    below = str(_at(entry, column.label) or "")
    if interval := _at(entry, column.interval):
        below = " to ".join(format(x, column.form) for x in interval)
    small = f"<small>{escape(below)}</small>" if below else ""
    return f'<td data-value="{key}">{shown}{small}</td>'


def _at(entry: Any, path: Path) -> Any:
    """What a path leads to; None if it is empty or ends before."""
    for key in path:
        if entry is None:
            break
        entry = entry.get(key) if isinstance(entry, dict) else entry[key]
    return entry if path else None


def _escaped(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")
