# One name for each job. `make demo` and `make test` need nothing but Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= auto

.PHONY: setup demo test test-long lint type arch check doc pictures bench clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tidu needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another with make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/tidu demo

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) -m "not long"

test-long: setup
	$(BIN)/python -m pytest -n $(WORKERS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: setup
	$(BIN)/mypy

arch: setup
	$(BIN)/lint-imports --no-cache

check: test lint type arch

doc: setup
	$(BIN)/python docs/make_primitives.py

pictures: setup
	$(BIN)/python docs/make_pictures.py

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/tidu bench train
	$(BIN)/tidu bench knn
	$(BIN)/python benchmarks/gradient_cost.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/digits_accuracy.py
	$(BIN)/python benchmarks/existence_is_not_learning.py --seeds 2
	$(BIN)/python benchmarks/floor_against_scores.py
	$(BIN)/python benchmarks/planned_problems.py --seeds 3

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tidu-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
