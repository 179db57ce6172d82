# Two commands matter to a newcomer: `make run` and `make test`.  Both set up all they need.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install run test check format bench coverage clean

help:
	@echo "make run      set up, start Tule, deploy examples/thumbnails, make a thumbnail, stay up"
	@echo "make test     set up and run every test, on SQLite and PostgreSQL"
	@echo "make check    format, lint, types, import rules, generated files"
	@echo "make bench    speed and size, beside a peer"
	@echo "make install  only prepare .venv"

install: .venv/installed console-build

.venv/installed: pyproject.toml
	@scripts/install $(PYTHON)

.PHONY: console-build
console-build:
	@scripts/build_console

run: install
	@$(BIN)/python -m tule.cli.tour

test: install
	@scripts/test

check: install
	$(BIN)/ruff format --check src tests scripts benchmarks examples
	$(BIN)/ruff check src tests scripts benchmarks examples
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_coverage.py --check
	@! command -v npm >/dev/null || { cd console && { [ -x node_modules/.bin/tsc ] || npm ci --loglevel=error; } && npm run --silent check; }

format: install
	$(BIN)/ruff format src tests scripts benchmarks examples
	$(BIN)/ruff check --fix src tests scripts benchmarks examples

coverage: install
	$(BIN)/python scripts/generate_coverage.py

bench: install
	@benchmarks/run

clean:
	rm -rf .venv .tule console/node_modules
