# `make demo` and `make test` set up everything they need on a machine with Python 3.11+ and make.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP_ARGS ?=
REAL_DATA ?=
SHEET ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest tests $(if $(REAL_DATA),'--real-data=$(REAL_DATA)')

.PHONY: demo web axe test quick nightly notebooks coverage lint docs release bench leaderboard-mini photo-sheet clean

demo: .venv/.core
	$(BIN)/reposer demo

web: .venv/.core
	$(BIN)/reposer web

# a checker of accessibility, for the page's tests; they skip that part without it
axe:
	npm install --no-save --no-fund --no-audit --prefix .venv/npm axe-core@4.14.1

# lint runs beside the tests; what it says is shown whole after them
test: .venv/.dev
	@mkdir -p build
	@$(MAKE) --no-print-directory lint >build/lint.txt 2>&1 & lint=$$!; trap 'kill $$lint 2>/dev/null' INT TERM; \
	$(PYTEST) -m "not nightly"; tests=$$?; \
	wait $$lint; lint=$$?; cat build/lint.txt; \
	test $$lint = 0 || echo "make lint failed"; \
	exit $$((tests ? tests : lint))

quick: .venv/.dev
	$(PYTEST) -m "not slow and not nightly"

nightly: .venv/.dev
	$(PYTEST) -m nightly

# each notebook from top to bottom, on one core at a time, with the seconds of each
notebooks: .venv/.dev
	$(BIN)/python -m pytest tests/docs/test_notebooks.py -n 0 -rP

coverage: .venv/.dev
	$(PYTEST) -m "not nightly" --cov=reposer --cov-report=term:skip-covered

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.dev
	$(BIN)/python -m scripts.documentation

release: .venv/.dev
	$(BIN)/python -m scripts.release --pip "$(PIP_ARGS)"

# one page of this package beside what others do, and its JSON
bench: .venv/.dev
	$(BIN)/python -m benchmarks --json benchmarks/results/page.json

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Reposer needs Python 3.11 or newer; none was found. Name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "'$(PYTHON)' is not Python 3.11 or newer. Name one that is: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.core: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e . $(PIP_ARGS)
	@touch $@

.venv/.dev: .venv/.core
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,track]' $(PIP_ARGS)
	@touch $@

leaderboard-mini: .venv/.core
	$(BIN)/reposer leaderboard

# The sheet is written beside the temporary files, or to SHEET=DIR; never into this repository.
photo-sheet: .venv/.core
	@test -n '$(REAL_DATA)' || { echo "Name the folder with real photos: make photo-sheet REAL_DATA=DIR"; exit 1; }
	REPOSER_REAL_DATA='$(REAL_DATA)' REPOSER_SHEET='$(SHEET)' $(BIN)/python -m benchmarks photo_sheet photo_poses

clean:
	rm -rf .venv build dist src/*.egg-info reposer-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
