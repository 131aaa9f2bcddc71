# What a newcomer and a maintainer type. Needs only python3 (3.11+) and a C library; the work is done by tools/*.py.
PYTHON ?= python3
BIN := .venv/bin
CODE := src tests tools $(wildcard bench)

.PHONY: up test check fmt docs bench lock clean server-set dev-set

up: server-set        ## start Clew with the demo loaded, print its address, open the browser where there is one
	@$(BIN)/clew serve --demo --open

test: dev-set         ## the whole test suite; PARTS="default slow" runs some of it
	@$(BIN)/python tools/suite.py $(PARTS)

check: dev-set        ## lint, format, types, contracts, size, generated docs, README commands
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python tools/size.py
	$(BIN)/python tools/docs.py --check
	$(BIN)/pytest -q tests/docs -k README

fmt: dev-set          ## put the code into its form
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: dev-set         ## write the generated pages again
	$(BIN)/python tools/docs.py

bench: dev-set        ## the benchmark tables of docs/benchmarks.md
	$(BIN)/python -m bench

lock: dev-set         ## solve the locked sets again, with the newest versions
	@$(BIN)/python tools/lock.py

clean:                ## remove everything that was made here
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist tests/e2e/browser/node_modules

server-set dev-set:
	@$(PYTHON) tools/environment.py $(@:-set=)
