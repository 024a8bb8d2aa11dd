# The workflow, one target a step. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
HUB_VENV := .venv-hub
BIN := $(VENV)/bin
# Passed on to the command of a target: make demo ARGS=--no-serve, make test ARGS="-k spool"
ARGS ?=
FAST := not servers and not browser and not hub and not slow
WHOLE := not hub
# What needs no server and is quick runs on all cores. Servers are shared, and slow tests start
# processes that want the cores for themselves: the rest runs one by one.
QUICK := tests/unit tests/contract
COVER := --cov --cov-report=
# Of one part ARGS may choose nothing.
NONE := [[ $$? -eq 5 ]]

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# --- environments --------------------------------------------------------------------------------

.PHONY: venv
venv: $(VENV)/.installed  ## Set up .venv with everything but torch

$(VENV)/.installed: pyproject.toml scripts/install-python
	@PYTHON=$(PYTHON) scripts/install-python $(VENV) train,dev
	@touch $@

$(HUB_VENV)/.installed: pyproject.toml scripts/install-python
	@PYTHON=$(PYTHON) scripts/install-python $(HUB_VENV) hub,train,dev
	@touch $@

.PHONY: test-tools
test-tools: $(VENV)/.installed
	@scripts/install-test-tools

# --- using it ------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.installed  ## Replay a synthetic stream and open the dashboard (ARGS=--no-serve: only the summary)
	@$(BIN)/python -m demo $(ARGS)

.PHONY: run
run: $(VENV)/.installed  ## Start everything on configs/: collectors, enricher, alerts, dashboard
	@$(BIN)/groundswell run --config configs $(ARGS)

# --- proving it ----------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.installed test-tools  ## Run every test but those that need torch; brings up its own servers
	@$(BIN)/pytest $(QUICK) tests/integration -m "$(FAST)" -n auto --dist worksteal $(COVER) $(ARGS) || $(NONE)
	@$(BIN)/pytest $(QUICK) -m "$(WHOLE) and not ($(FAST))" $(COVER) --cov-append $(ARGS) || $(NONE)
	@$(BIN)/pytest tests/integration tests/browser -m "$(WHOLE) and not ($(FAST))" $(COVER) --cov-append $(ARGS) || $(NONE)
	@$(MAKE) coverage

.PHONY: test-fast
test-fast: $(VENV)/.installed  ## Run the tests that need no server, in two or three minutes
	@$(BIN)/pytest $(QUICK) -m "$(FAST)" -n auto --dist worksteal $(ARGS)

.PHONY: test-hub
test-hub: $(HUB_VENV)/.installed  ## Run the tests that need torch, in an environment of their own
	@$(HUB_VENV)/bin/pytest -m hub $(ARGS)

.PHONY: coverage
coverage: $(VENV)/.installed  ## Hold the last test run's branch coverage against the floors
	@scripts/check-coverage $(BIN)/coverage

.PHONY: check
check: $(VENV)/.installed  ## Check format, lint, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(VENV)/.installed  ## Measure speed and quality; each benchmark prints a ratio
	@$(BIN)/python -m bench $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.installed test-tools  ## Take the README's pictures from the running product
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

.PHONY: clean
clean:  ## Remove the environments and what the tools left behind
	rm -rf $(VENV) $(HUB_VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* build dist
