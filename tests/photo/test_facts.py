"""All that a format can carry is kept, changed with the pixels, refused, or said to be dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.photo import facts

FACTS = facts.facts()


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_each_fact_becomes_what_it_should(fact: facts.Fact) -> None:
    outcome = facts.measure(fact)
    assert outcome.fate == fact.fate, outcome
    assert "\n" not in outcome.said


def test_the_documented_table_is_of_these_facts() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fidelity.md").read_text()
    rows = [f"| {fact.format} | {fact.what} | {fact.fate}" in page for fact in FACTS]
    assert rows == [True] * len(FACTS)


def test_facts_are_told_apart() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS)
