# napvi. Needs make and Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.12 ... chooses one.

PYTHON ?= python3
BIN := .venv/bin
# The lock files are whole: left to resolve, older pips look for `coverage[toml]` beside the pinned
# coverage, and fail as soon as a newer one is published.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	--no-deps
UV_COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate
DATABASE_TESTS := tests/laws tests/sql tests/database tests/stream \
	tests/upgrade/test_migrate.py tests/upgrade/test_contract.py
POSTGRES_BINS = $(shell (pg_config --bindir; ls -d /usr/lib/postgresql/*/bin) 2>/dev/null | sort -u)
PYTEST := $(BIN)/python -m pytest
# Tests wait as much as they work. Those marked `alone` measure, and run one after another.
TESTS_AT_ONCE := 3
SIDE_BY_SIDE := --numprocesses=$(TESTS_AT_ONCE) --dist=worksteal -m "not alone"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint format golden bench lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: .venv/run ## Start everything and say how to try it; BIND=HOST:PORT chooses the address
	@$(BIN)/python -m app demo $(if $(BIND),--bind $(BIND))

test: .venv/dev ## Run all tests, then those of the database on every other PostgreSQL found
	@.ci/browser
ifdef PYTEST_ARGS
	@$(PYTEST) $(PYTEST_ARGS)
else
	@$(PYTEST) $(SIDE_BY_SIDE)
	@$(PYTEST) -m alone
	@for bin in $(POSTGRES_BINS); do \
		major=$$("$$bin/postgres" --version 2>/dev/null | sed -E 's/[^0-9]*([0-9]+).*/\1/'); \
		[ "$${major:-0}" -lt 15 ] || \
			$(PYTEST) $(SIDE_BY_SIDE) --postgres-bin="$$bin" $(DATABASE_TESTS) || exit; \
	done
endif

lint: .venv/dev ## Check style, types, the direction of imports, and SQL
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/sqlfluff lint --quiet --disable-progress-bar sql

format: .venv/dev ## Rewrite Python in the project's style
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

golden: .venv/dev ## Write sql/schema.txt, the schema at a glance, after a change below sql/
	@$(BIN)/python -m tests.sql.golden

bench: .venv/dev .venv-peers/run ## Measure beside what others would build; BENCH_ARGS=--quick is shorter
	@$(BIN)/python -m bench $(BENCH_ARGS)

setup: .venv/run ## Make .venv with what the service needs

lock: ## Compile requirements/ from pyproject.toml; UPGRADE=--upgrade takes newer versions
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@$(UV_COMPILE) $(UPGRADE) --extra embedded pyproject.toml -o requirements/run.txt >/dev/null
	@$(UV_COMPILE) $(UPGRADE) --extra embedded --extra test --extra lint pyproject.toml \
		-o requirements/dev.txt >/dev/null
	@$(UV_COMPILE) $(UPGRADE) bench/peers/requirements.in -o bench/peers/requirements.txt >/dev/null

.venv/run: .venv/bin/python requirements/run.txt
	@echo "Installing the locked dependencies into .venv ..."
	@$(PIP_INSTALL) -r requirements/run.txt
	@touch $@

.venv/dev: .venv/bin/python requirements/dev.txt
	@echo "Installing the locked dependencies for development into .venv ..."
	@$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@ .venv/run

.venv-peers/run: .venv/bin/python bench/peers/requirements.txt
	@echo "Installing what the benchmarks compare with into .venv-peers ..."
	@$(BIN)/python -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--no-deps -r bench/peers/requirements.txt
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo \
		"napvi needs Python 3.11, 3.12 or 3.13. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"$(PYTHON) has no venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
