# Everything that a newcomer or a checking machine needs; only Python 3.11 or 3.12 and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Exactly this version of torch: for it a CPU build may be at hand, a tenth of the size. Empty: what pyproject.toml says.
TORCH ?= torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-clients test-providers check promises chaos bench clean

help: ## Say what there is.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "Python 3.11 or 3.12 is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH) -e '.[dev]'
	@touch $@

demo: $(READY) ## Make out/demo.mp4 from a photo (PHOTO=me.jpg); RECIPIENT=kling: by an emulated third party.
	$(if $(RECIPIENT),$(BIN)/python -m tests.emulators.demo $(RECIPIENT),$(BIN)/i2v demo) $(PHOTO)

up: $(READY) ## Start the cluster and leave it running.
	$(BIN)/i2v up

down: $(READY) ## End it. Data stay.
	$(BIN)/i2v down

test: $(READY) ## Run every test: first those within a process, two at a time, then those that need whole clusters.
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/promises
	$(BIN)/python -m pytest tests/cluster tests/chaos

test-clients: $(READY) ## Try the unmodified OpenAI SDKs, each in an environment of its own, and every snippet of the guides.
	$(BIN)/python -m pytest tests/clients

test-providers: $(READY) ## Hand jobs over to five emulated third parties, under every fault, and search what they received.
	$(BIN)/python -m pytest tests/providers

check: $(READY) ## Run every check that needs no running program.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/i2v data-map

promises: $(READY) ## Print what is promised and kept; prove that each test of it fails where its enforcement is gone.
	$(BIN)/python -m pytest --mutants --quiet

chaos: $(READY) ## Kill everything at every named stage, then at random under load for ten minutes.
	$(BIN)/python -m pytest tests/chaos tests/cluster/test_sweep.py tests/unit/media/test_mutated.py \
		tests/providers/deaths tests/providers/test_histories.py --every-death
	$(BIN)/python -m tests.chaos

bench: $(READY) ## Measure every figure of the README.
	@for file in benchmarks/[a-z]*.py; do \
		module=$${file%.py}; echo "== $$module"; $(BIN)/python -m $$(echo $$module | tr / .) || exit 1; \
	done

clean: ## Remove what was made here: the environment, results, caches. Data of the cluster stay.
	rm -rf $(VENV) .venv-clients out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
