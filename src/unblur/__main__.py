"""`python -m unblur` is the `unblur` command."""

from unblur.cli import app

app(prog_name="unblur")
