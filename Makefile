.DEFAULT_GOAL := help
.PHONY: help install demo test faults scenarios real-faults million safeguards soak lint types bench bench-job-b bench-core bench-alerts clean

PYTHON ?= python3
# Where the environment forbids it to keep bytecode, every process would compile all that it imports, at every start.
export PYTHONDONTWRITEBYTECODE :=
UV_VERSION := 0.13.9

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: .venv/installed ## Build .venv from uv.lock

.venv/installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { echo "Hotline needs Python 3.11 to 3.14: make PYTHON=python3.14 …"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	.venv/bin/uv sync --quiet --compile-bytecode --frozen --inexact --all-extras --python .venv/bin/python
	@touch $@

demo: install ## Start everything here with simulated calls and open the wallboard
	.venv/bin/hotline up --demo

# Three on two cores: much of a test's time a page, an engine or a broker is waited for.
test: install ## Run the tests (under ten minutes)
	.venv/bin/pytest -n 3 --dist loadgroup --no-loadscope-reorder -m 'not slow and not faults'

faults: install ## Kill, pause and restart real processes under load; every figure must hold
	.venv/bin/pytest -m 'faults and not slow'

scenarios: install ## 2,000 random scenarios of faults in memory, each equal to the batch oracle (FIRST=seed COUNT=n)
	.venv/bin/python tests/faults/run_scenarios.py --first $(or $(FIRST),0) --count $(or $(COUNT),2000)

real-faults: install ## Forty random scenarios with real processes on one broker (FIRST=seed COUNT=n)
	.venv/bin/python tests/faults/run_real.py --first $(or $(FIRST),100) --count $(or $(COUNT),40)

million: install ## A day of a million events against the oracle, with the engine's memory by the hour
	.venv/bin/python tests/faults/million.py

safeguards: install ## Take each safeguard of the engine away: a scenario must miss it
	.venv/bin/python tests/faults/safeguards.py

soak: install ## The long runs: four simulated weeks, a spike, an outage, many quiet weeks
	.venv/bin/pytest -m slow

lint: install ## ruff and the import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

bench: install ## Hotline's speed beside other engines, as ratios (ROUNDS=n)
	.venv/bin/python tests/bench/run.py --rounds $(or $(ROUNDS),3) --save

bench-job-b: install ## The whole product over a full topic: speed beside a drain, processor time, the writer's lag (ROUNDS=n)
	.venv/bin/python tests/bench/job_b.py --rounds $(or $(ROUNDS),3) --save

bench-core: install ## What counting costs beside decoding alone, as ratios
	.venv/bin/python tests/bench/core.py

bench-alerts: install ## From a signal to a webhook that has it, with 1,000 alerts firing; a storm of 10,000 signals
	.venv/bin/python tests/bench/delivery.py

types: install ## mypy --strict
	.venv/bin/mypy

clean: ## Remove .venv and caches (not the data directory)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
