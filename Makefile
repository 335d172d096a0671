# Every target does its own set-up and is safe to repeat. `make` alone lists them.
# Variables pass through: PORT, DATA_DIR, LADDER_PROJECT, BASE_URL, OUTROOT, LADDER_BASE_IMAGE, PYTEST_ARGS, PYTHON.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
LADDER := $(VENV)/bin/ladder
STAMP := $(VENV)/.ladder-setup
MODE ?=
ID ?=
LADDER_NAME ?= live
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help setup live-suite scenario rollback up down doctor console test lint bench clean lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the locked dependencies

$(STAMP): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo 'error[python-missing]: $(PYTHON) is not there' >&2; \
	  echo '  hint: sudo apt-get install -y python3 python3-venv' >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'error[python-too-old]: $(PYTHON) is older than 3.11' >&2; echo '  hint: make $(MAKECMDGOALS) PYTHON=python3.11' >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'error[venv-missing]: $(PYTHON) has no venv module' >&2; echo '  hint: sudo apt-get install -y python3-venv' >&2; exit 3; }
	@echo 'setup: installing the locked dependencies into $(VENV)' >&2
	@[ -x $(PY) ] || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip --disable-pip-version-check install --quiet --quiet --require-hashes --requirement requirements/dev.txt
	@$(PY) -m pip --disable-pip-version-check install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

live-suite: setup ## climb the live ladder, roll back, leave evidence [ARGS=...]
	@$(LADDER) suite $(ARGS)

scenario: setup ## climb one scenario on the captures of the last run: ID=L05 [LADDER_NAME=live|mocked|edits]
	@[ -n '$(ID)' ] || { echo 'error[scenario-unnamed]: which scenario?' >&2; echo '  hint: make scenario ID=L05' >&2; exit 2; }
	@$(LADDER) run $(LADDER_NAME) --only $(ID) $(ARGS)

rollback: setup ## switch to the mocked worker and prove it [ARGS=...]
	@$(LADDER) rollback $(ARGS)

doctor: setup ## look for what would keep a run from working; changes nothing
	@$(LADDER) doctor $(ARGS)

console: setup ## show runs in a browser on this machine until interrupted [ARGS='--port N --out DIR']
	@$(LADDER) console $(ARGS)

up: setup ## start the stack and wait until it is ready [MODE=live|mocked]
	@$(LADDER) up $(if $(MODE),--mode $(MODE))

down: setup ## stop the stack; leaves no container, network or process
	@$(LADDER) down

lint: setup ## formatting, lint, types, import rules
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

test: setup lint ## everything that must be green [PYTEST_ARGS=...]
	@scripts/test-prerequisites
	@$(PY) scripts/with_engine.py bash -c '$(PY) -m harness.stack && exec $(PY) scripts/run_tests.py $(PYTEST_ARGS)'

bench: setup ## measure the budgets
	@$(PY) scripts/with_engine.py bash -c '$(PY) -m harness.stack && $(PY) -m tests.bench'

lock: setup ## resolve the dependencies anew and pin them by hash
	@compile() { $(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11 "$$@"; }; \
	  compile --group backend -o requirements/backend.txt; \
	  compile pyproject.toml --group dev -o requirements/dev.txt; \
	  printf 'pip\n' | compile - -o requirements/pip.txt

clean: ## remove what can be made again (data in var/data stays)
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	@rm -rf var/wheelhouse var/setup var/bench
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
