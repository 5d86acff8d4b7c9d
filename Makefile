# `make` alone lists the targets.

PYTHON ?= python3
# uv sets the environment up in seconds where pip takes half a minute; `pip` does without it.
WESTSEA_INSTALLER ?= uv

VENV := .venv
BIN := $(VENV)/bin
# The servers of the tests have dependencies of their own, which must not meet the product's.
SERVERS := .venv-integration
K8S := .venv-k8s
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)

# The uv on PATH, else the pinned one.
have_uv = { [ -x $(UV) ] || $(PIP) install --only-binary :all: --require-hashes -r requirements-uv.txt; }

# $(call install,FILE): pip takes over where uv is not wanted, not to be had, or fails.
with_uv = $(have_uv) && $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(1) ||
install = $(if $(filter uv,$(WESTSEA_INSTALLER)),$(with_uv)) $(PIP) install --require-hashes -r $(1)

# No index, find-links or header: what one machine's settings say must not reach the files.
compile = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(ARGS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev install-integration install-k8s demo test k8s-check faults chaos bench bench-detection mutate lint lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## set up .venv with the package (PYTHON=python3.12, WESTSEA_INSTALLER=pip)

install-dev: $(VENV)/.installed-dev ## the same, with what tests and linters need

install-integration: $(SERVERS)/.installed ## set up .venv-integration with a real STAC API to test against

install-k8s: $(K8S)/.installed ## set up .venv-k8s with what judges k8s/

demo: install ## build the built-in archive, sweep it, compare with its truth, write a report
	$(BIN)/westsea demo

test: install-dev ## run the tests (ARGS="-k grid" chooses some)
	$(BIN)/python -m pytest $(ARGS)

k8s-check: install-dev install-k8s ## render, validate and run what is in k8s/
	$(BIN)/python -m pytest -v -s tests/k8s $(ARGS)

faults: install-dev ## sweep through faults of all kinds, for some minutes
	$(BIN)/python -m pytest -m chaos -s $(ARGS)

chaos: install-dev ## the same for hours: 1,000 scenes by 5 seeds, 100,000 spoiled files
	WESTSEA_CHAOS_SCENES=1000 WESTSEA_CHAOS_SEEDS=5 WESTSEA_CHAOS_FILES=100000 \
		$(BIN)/python -m pytest -m chaos -s $(ARGS)

bench: $(VENV)/.installed-bench ## run the measurements: speed, cost, false alarms
	$(BIN)/python -m pytest -m bench -s $(ARGS)

bench-detection: install ## recall against false detections on fixed archives, beside classic recipes
	$(BIN)/westsea bench detection $(ARGS)

mutate: install-dev ## 10,000 items with anything wrong in them: planned or refused, nothing else
	WESTSEA_MUTATED_ITEMS=10000 $(BIN)/python -m pytest tests/pipeline/test_mutated_items.py $(ARGS)

lint: install-dev ## ruff, mypy and the import contracts between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: $(VENV)/pyvenv.cfg ## write the requirements files anew (ARGS=--upgrade for newer versions)
	@$(have_uv)
	$(compile) --group lock -o requirements-uv.txt
	$(compile) pyproject.toml --group build -o requirements.txt
	$(compile) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(compile) --group bench -c requirements.txt -o requirements-bench.txt
	$(compile) --group integration -o requirements-integration.txt
	$(compile) --group k8s -o requirements-k8s.txt

clean: ## remove the environment, caches, builds and the demo's output
	rm -rf $(VENV) $(SERVERS) $(K8S) bench build demo dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("westsea needs Python 3.11 or newer; name one, as in: make install PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml $(VENV)/pyvenv.cfg
	@echo installing requirements.txt into $(VENV)
	@$(call install,requirements.txt)
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo installing requirements-dev.txt into $(VENV)
	@$(call install,requirements-dev.txt)
	@touch $@

$(VENV)/.installed-bench: requirements-bench.txt $(VENV)/.installed-dev
	@echo installing requirements-bench.txt into $(VENV)
	@$(call install,requirements-bench.txt)
	@touch $@

# Environments beside the product's: a folder and its requirements file.
$(SERVERS)/.installed: requirements-integration.txt
$(K8S)/.installed: requirements-k8s.txt
$(SERVERS)/.installed $(K8S)/.installed: $(VENV)/pyvenv.cfg
	@echo installing $(filter %.txt,$^) into $(@D)
	$(PYTHON) -m venv $(@D)
	@$(if $(filter uv,$(WESTSEA_INSTALLER)),$(have_uv) && $(UV) pip install --quiet --python $(@D)/bin/python --require-hashes -r $(filter %.txt,$^) ||) \
		$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $(filter %.txt,$^)
	@touch $@
