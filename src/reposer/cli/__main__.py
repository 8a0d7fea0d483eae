"""`python -m reposer.cli` is the console script."""

from reposer.cli import entry

entry()
