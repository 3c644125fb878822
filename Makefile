# The few verbs of this project; `make help` lists them. CI calls the same ones.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fmt bench soak pin

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready  ## Create .venv with everything pinned (PYTHON=python3.13 picks another Python)

.venv/ready: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## Score a bundled file with the bundled model, then look up one customer
	$(BIN)/customer-clusters score examples/customers.csv --out results
	$(BIN)/customer-clusters assign Total_Revolving_Bal=0 Total_Trans_Amt=1900 Total_Trans_Ct=38

serve: setup  ## Serve the API and the pages on http://127.0.0.1:8000 (PORT=8080 picks another port)
	$(BIN)/customer-clusters serve

test: setup  ## Run the tests (BANKCHURNERS_CSV names the real file)
	$(BIN)/pytest

check: setup  ## Lint, format, types, direction of imports; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup  ## Format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## Print the performance figures
	$(BIN)/python -m benchmarks

soak: setup  ## Send 100,000 look-ups, 1 % malformed; print errors and memory
	$(BIN)/python -m benchmarks.soak

screenshots: setup  ## Draw the pages that the README shows anew, with Debian's chromium
	$(BIN)/python -m examples.screenshots

pin: setup  ## Pin the dependencies anew, with hashes and without index addresses
	$(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade --extra api --extra aws --extra sign --extra train --group dev pyproject.toml -o requirements/dev.txt
