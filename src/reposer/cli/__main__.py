"""`python -m reposer.cli` runs the same command line as the console script."""

from reposer.cli import entry

entry()
