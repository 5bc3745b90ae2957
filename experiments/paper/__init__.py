"""The paper's system, trained and judged by its claims: what docs/paper.md is made from."""
