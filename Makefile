# Every target sets up what it needs. From a bare clone: `make demo`, `make test`.
# Needs make, python3 >= 3.11 and a package index; `make PYTHON=python3.12 test` names another python.

.DEFAULT_GOAL := help
.PHONY: help demo test nightly bench peers docs lint format lock clean env-run env-dev env-bench env-peers

# The first interpreter that is new enough, else python3, which then says why not.
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; \
	done),python3)
# Workers of the test run; two is what a small machine has.
WORKERS ?= 2
# `make lock UPGRADE=--upgrade` moves every pin, plain `make lock` only what pyproject.toml asks for.
UPGRADE ?=

DEV := .venv-dev/bin
COMPILE = $(DEV)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-header --system-certs $(UPGRADE)

help:
	@echo "make demo    set up, then margin the sample book under every model"
	@echo "make test    set up, then format, lint, types, imports and tests"
	@echo "make nightly set up, then the tests that take long: 2,000 random books, 50 optimised"
	@echo "make bench   set up, then measure against the targets and the peers"
	@echo "make peers   set up, then run the classical models beside the installable peers"
	@echo "make docs    write what the documents copy from a run: README, a page a model"
	@echo "make lint    the checks without the tests"
	@echo "make format  rewrite the sources in the house format"
	@echo "make lock    pin what pyproject.toml and requirements/*.in ask for"
	@echo "make clean   remove environments, caches and build output"

env-run env-dev env-bench env-peers: env-%:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "crossmargin: $(PYTHON) is not on the path; install Python 3.11 or newer" >&2; exit 2; }
	@$(PYTHON) scripts/environment.py $*

demo: env-run
	@.venv-run/bin/crossmargin demo

lint: env-dev
	$(DEV)/ruff format --check .
	$(DEV)/ruff check .
	$(DEV)/mypy --strict src
	$(DEV)/lint-imports --no-cache

test: lint
	$(DEV)/pytest -n $(WORKERS) --dist loadfile -rs

nightly: env-dev
	$(DEV)/pytest -n $(WORKERS) -rs tests/accounts tests/decisions --books 2000

bench: env-bench
	.venv-bench/bin/python -m benchmarks

peers: env-peers
	.venv-peers/bin/python -m peers

docs: env-dev
	$(DEV)/python scripts/renew_docs.py

format: env-dev
	$(DEV)/ruff format .
	$(DEV)/ruff check --fix .

# The peers and the tools are pinned to the same core as the plain installation.
lock: env-dev
	$(COMPILE) pyproject.toml requirements/build.in --extra all -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra all --extra dev \
		-c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) pyproject.toml requirements/build.in requirements/bench.in --extra all \
		-c requirements/run.txt -o requirements/bench.txt
	$(COMPILE) pyproject.toml requirements/build.in requirements/peers.in --extra all \
		-c requirements/run.txt -o requirements/peers.txt
	$(COMPILE) --no-deps requirements/bench-source.in -o requirements/bench-source.txt
	$(COMPILE) --allow-unsafe requirements/bootstrap.in -o requirements/bootstrap.txt

clean:
	rm -rf .venv-run .venv-dev .venv-bench .venv-peers build dist bench-results \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks peers -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
