# Everything runs in .venv, made from the hashed lock files; `make demo` needs only Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
# Where the environment was made, and from what: a stamp a lock file, so that a changed one is installed again.
RUN := .venv/run.stamp
DEV := .venv/dev.stamp

.DEFAULT_GOAL := help
.PHONY: help demo check test test-long bench bench-gate figures lock clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(RUN): requirements/run.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Caudal needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.lock $(RUN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

demo: $(RUN) ## set everything up and run the quickstart experiment
	$(BIN)/caudal run quickstart

check: $(DEV) ## lint, types, architecture and fast tests, under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 tests/unit tests/conformance tests/golden tests/architecture

test: check ## everything that the CI wants, under 15 minutes on 2 cores
	$(BIN)/pytest -q -n 2 --dist loadfile tests/property tests/statistical tests/integration tests/end_to_end -m "not long"
	$(BIN)/pytest -q tests/bench --ignore tests/bench/test_swarm.py --benchmark-disable

test-long: $(DEV) ## what takes longer than `make test` may
	$(BIN)/pytest -q tests -m long --timeout 1800
	$(BIN)/pytest -q tests/property --hypothesis-profile random

bench: $(DEV) ## micro-benchmarks, each held to its goal: for a quiet machine
	$(BIN)/pytest -q tests/bench --timeout 600

bench-gate: $(RUN) ## instructions of the micro-benchmarks against BASE, by default where HEAD left main (needs valgrind)
	$(BIN)/python -m experiments.instructions $(if $(BASE),--base $(BASE))

figures: $(RUN) ## make the README's figures again, from the sealed runs of results/published
	$(BIN)/python -m experiments.readme_figures

lock: $(DEV) ## write the lock files again (needs uv on the PATH)
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra build pyproject.toml -o requirements/run.lock
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra build --extra dev pyproject.toml -o requirements/dev.lock

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
