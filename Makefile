# Everything a person types. `make` alone lists it; uv and Python's packages are fetched at first use.

# uv: the one on the path if it works, else one of the project's own.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(CURDIR)/.uv/bin/uv)
# SAM pins boto3 exactly, so it lives in an environment of its own.
SAM := $(UV) tool run --quiet --from 'aws-sam-cli==1.170.0' sam
COMPILE := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.13 \
	--custom-compile-command 'make lock' $(UPGRADE)
COMPILE_LAYER := $(COMPILE) layers/email_opens/requirements.in --constraint requirements-dev.txt

# The layer's own Makefile needs uv, and SAM a python3.13.
export PATH := $(patsubst %/,%,$(dir $(UV))):$(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help demo test simulate compare check build deploy bench bench-freshness screens lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: .venv/ready ## the whole product on this machine: no account, no keys
	.venv/bin/email-opens demo

test: .venv/ready ## every test, end to end included
	.venv/bin/pytest -n 2

simulate: .venv/ready ## the rules over a million steps of a world full of faults (STEPS=…)
	.venv/bin/python -m tests.simulation --steps $(or $(STEPS),1000000)

compare: .venv/ready ## the same worlds by the rules that others use (SEED=…)
	.venv/bin/python -m bench.compare $(SEED)

check: .venv/ready ## style, types, template, locks
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy layers/email_opens/email_opens functions tools tests bench
	$(SAM) validate --lint
	@mkdir -p .cache/lock && cp requirements-dev.txt .cache/lock/dev.txt \
		&& cp layers/email_opens/requirements.txt .cache/lock/layer.txt
	$(COMPILE) --extra dev pyproject.toml --output-file .cache/lock/dev.txt >/dev/null
	$(COMPILE_LAYER) --output-file .cache/lock/layer.txt >/dev/null
	@diff requirements-dev.txt .cache/lock/dev.txt \
		&& diff layers/email_opens/requirements.txt .cache/lock/layer.txt \
		|| { echo 'The locks do not match pyproject.toml: make lock'; exit 1; }

build: .venv/ready ## what is deployed, into .aws-sam (LAYER_PLATFORM=x86_64-manylinux_2_28 for another platform)
	$(SAM) build

# SAM writes what it was told into samconfig.toml, and asks no more; CI, as GitHub sets it, has
# nobody to ask.
UNASKED := --no-confirm-changeset --no-fail-on-empty-changeset
GUIDED = $(shell grep -qs '^parameter_overrides' samconfig.toml || echo --guided)

deploy: build ## ask for the parameters the first time, and deploy
	$(SAM) deploy $(if $(CI),$(UNASKED),$(GUIDED))

bench: .venv/ready ## what is claimed about speed, measured
	.venv/bin/python -m bench

bench-freshness: .venv/ready ## how soon opens are published for a day's requests, some ten minutes
	.venv/bin/python -m bench.freshness

screens: .venv/ready ## draw the pictures of docs/screens anew, some two minutes
	.venv/bin/python tools/screens.py

lock: $(UV) ## pin what pyproject.toml asks for (UPGRADE=--upgrade for the newest)
	$(COMPILE) --extra dev pyproject.toml --output-file requirements-dev.txt >/dev/null
	$(COMPILE_LAYER) --output-file layers/email_opens/requirements.txt >/dev/null

clean: ## forget everything that was made here
	rm -rf .venv .uv .aws-sam .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/ready: requirements-dev.txt pyproject.toml .python-version | $(UV)
	$(UV) venv --quiet --clear .venv
	$(UV) pip sync --quiet --python .venv --require-hashes requirements-dev.txt
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

$(CURDIR)/.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv
