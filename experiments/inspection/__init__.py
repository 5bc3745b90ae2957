"""How well blur is measured, and what is gained by measuring it: the tables of docs/inspect.md."""
