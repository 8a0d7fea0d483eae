"""How fast it is: `python -m benchmarks [NAME ...] [--json FILE]`. Not tests: tables, which never fail on a time."""
