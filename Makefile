# Verbs of one line each; `make` alone prints them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PRESET ?= default
JOBS ?= 2

.PHONY: help setup demo test test-all lint format questions render bench bench-drift bench-evaluation bench-evaluation-speed bench-retrieval release clean

help:  ## Print this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  \1\t/' | expand -t 14

$(BIN)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev
	@touch $@

setup: $(BIN)/.ready  ## Install the tools of the template into .venv

demo: setup  ## Make a project, install it, index, ask, evaluate, run the gate: no key, no questions
	@$(BIN)/python scripts/demo.py

test: setup  ## Run the fast suite
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not long"

test-all: setup  ## Run everything, for hours: every combination, and every pair of choices installed and tested
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: setup  ## Style, types, and whether generated files follow the questions
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python scripts/questions.py --check

format: setup  ## Mend style
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

questions: setup  ## Write copier.yml and the tables of options from cookiecutter.json
	$(BIN)/python scripts/questions.py

render: setup  ## Make a project in build/: make render PRESET=default
	$(BIN)/python scripts/render.py $(PRESET)

bench: setup  ## Time rendering, and a governed model call in a fresh project, as ratios
	$(BIN)/python benchmarks/rendering.py
	$(BIN)/python benchmarks/governed_call.py

bench-evaluation: setup  ## Measure how often the comparison with a baseline is wrong: make bench-evaluation ARGS="--rounds 100"
	$(BIN)/python benchmarks/evaluation.py $(ARGS)

bench-evaluation-speed: setup  ## Time 2,000 cases by our runner, inspect-ai's and deepeval's, in a fresh project
	$(BIN)/python benchmarks/evaluation_speed.py $(ARGS)

bench-retrieval: setup  ## Measure retrieval at size in a fresh project: make bench-retrieval ARGS="--chunks 10000"
	$(BIN)/python benchmarks/retrieval.py $(ARGS)

bench-drift: setup  ## Simulate drift: false alarms without any, and what is seen of it
	$(BIN)/python benchmarks/drift.py $(ARGS)

release: setup  ## Record, commit and tag a version: make release VERSION=0.2.0
	$(BIN)/python scripts/release.py $(VERSION)

clean:  ## Remove everything that was made
	rm -rf build .cache .venv .hypothesis .pytest_cache .mypy_cache .ruff_cache
