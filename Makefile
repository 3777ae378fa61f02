# Everything a newcomer or a developer needs. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
DEMO := demo-flights
RIVALS := $(or $(NORIA_RIVALS),.rivals)
SERVING_RIVALS := $(basename $(notdir $(wildcard benchmarks/rivals/*.txt))) mlflow
RIVAL_NAMES := $(filter-out %.alone,$(basename $(notdir $(wildcard tests/rivals/*.txt)))) javascript

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format rivals bench-runtime bench-tracking bench-features bench-data bench-grpc bench-serving bench-many fuzz services clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

install: $(STAMP) ## make the virtual environment from pinned versions

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || ($(SUDO) apt-get update && $(SUDO) apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV))
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## flights from raw files to a model that retrains itself (about five minutes)
	rm -rf $(DEMO)
	$(BIN)/noria init $(DEMO) --example flights
	$(BIN)/noria run --project $(DEMO) --as-of 2013-04-01
	$(BIN)/noria replay --project $(DEMO) $(REPLAY)
	@echo "Open $(CURDIR)/$(DEMO)/report.html"

services: ## install the programs that the tests start: databases, brokers, a browser, Java
	@tests/services.sh $(SUDO)

rivals: $(RIVAL_NAMES:%=$(RIVALS)/%/.installed) ## make the environments of other people's tools that tests compare with

.SECONDEXPANSION:
$(RIVALS)/%/.installed: $$(wildcard tests/rivals/$$*.txt tests/rivals/$$*.alone.txt tests/rivals/$$*/package-lock.json benchmarks/rivals/$$*.txt) | $(STAMP)
	@mkdir -p $(RIVALS)
	@flock $(RIVALS)/$*.lock tests/rivals/make.sh $(BIN)/python $(RIVALS) $*

test: $(STAMP) services rivals ## run every test
	$(BIN)/python -m pytest -n 2 $(TESTS)

lint: $(STAMP) ## style, types, the import contract, the shape of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture

format: $(STAMP) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-runtime: $(STAMP) services ## what a durable step costs
	$(BIN)/python benchmarks/runtime.py

bench-tracking: $(STAMP) services rivals ## tracking beside stock MLflow: the table of speeds
	$(BIN)/python benchmarks/tracking.py $(BENCH)

bench-features: $(STAMP) services rivals ## features beside Feast: point-in-time joins, online reads
	$(BIN)/python benchmarks/features.py $(BENCH)

bench-data: $(STAMP) rivals ## data versions beside DVC, checks beside Great Expectations and Pandera
	$(BIN)/python benchmarks/data_versions.py $(BENCH)
	$(BIN)/python benchmarks/data_checks.py $(BENCH)

fuzz: $(STAMP) ## every layer of the server fuzzed for MINUTES (10), guided by coverage
	$(BIN)/python -m pip install -q -c constraints.txt atheris
	for layer in http codecs grpc http2; do $(BIN)/python tests/fuzz/run.py $$layer $(or $(MINUTES),10) || exit 1; done
	PYTHONPATH=tests/serving $(BIN)/python tests/serving/contracts/fuzz.py $$((60 * $(or $(MINUTES),10)))

bench-grpc: $(STAMP) ## our gRPC lane beside grpcio's: CPU a call
	$(BIN)/python benchmarks/grpc_lanes.py

bench-many: $(STAMP) ## 200 models in the memory of ten, asked at random, the server killed in between
	$(BIN)/python -W ignore benchmarks/many_models.py $(BENCH)

bench-serving: $(STAMP) $(SERVING_RIVALS:%=$(RIVALS)/%/.installed) ## serving beside eight rivals: CPU a request, requests a second, tails
	$(BIN)/python benchmarks/serving.py $(BENCH)

clean: ## remove what the targets made
	rm -rf $(VENV) $(RIVALS) $(DEMO) .mypy_cache .ruff_cache
