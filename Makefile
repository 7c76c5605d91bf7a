# The project's commands; `make` alone lists them. The first run downloads uv and the packages.

# The project's own tools come first. No path of a target or a command has this folder's name in it,
# since make splits names at spaces.
export PATH := $(CURDIR)/.uv/bin:$(CURDIR)/.venv/bin:$(PATH)
# uv: the one on the PATH if it works, otherwise the project's own copy.
OWN_UV := $(if $(shell uv --version 2>/dev/null),,.uv/bin/uv)
UV := $(or $(OWN_UV),uv)
# SAM pins boto3 to one version, so it runs in its own environment.
SAM := .sam/bin/sam
CHECKOV := $(UV) tool run --quiet --from 'checkov==3.3.30' checkov --config-file .checkov.yaml
CYCLONEDX := $(UV) tool run --quiet --from 'cyclonedx-bom==7.5.0' cyclonedx-py environment \
	--output-reproducible
COMPILE := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.13 \
	--custom-compile-command 'make lock' $(UPGRADE)
COMPILE_TOOL = $(COMPILE) tools/locks/$(1).in --output-file $(2)/$(1).txt >/dev/null
COMPILE_LAYER := $(COMPILE) layers/email_opens/requirements.in --constraint requirements-dev.txt

export SAM_CLI_TELEMETRY := 0
# What uv and SAM keep in the home folder is kept here if that cannot be written.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.cache/python
export UV_TOOL_DIR := $(CURDIR)/.cache/tools
export __SAM_CLI_APP_DIR := $(CURDIR)/.cache/sam
endif
# If Python may not store byte code, it is compiled here, and not anew in each process: of the tests,
# or of `email-opens watch --once`, which then takes half more time.
export UV_COMPILE_BYTECODE := $(if $(PYTHONDONTWRITEBYTECODE),1,0)

.PHONY: help demo test quick fuzz mutants simulate compare check build deploy bench bench-delay bench-alert bench-peers cost accounts bench-freshness screens commands lock sbom release clean deploy-built

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: .venv/ready ## run the whole product on this machine, without accounts or keys
	.venv/bin/email-opens demo

# On two processors, three processes: the one that runs the end-to-end tests mostly waits.
test: .venv/ready ## run every test, including the end-to-end tests
	.venv/bin/pytest -n 3

quick: .venv/ready ## run the unit tests and those of the core, without the slow ones (half a minute)
	.venv/bin/pytest -n 2 -m 'not slow' tests/unit tests/core

mutants: .venv/ready ## test that the tests notice changes of the code (MODULES="walk allowance.lease")
	.venv/bin/python tools/mutants.py $(MODULES)

fuzz: .venv/ready ## try hostile events, items, replies and arguments for an hour (MINUTES=… SEED=…)
	.venv/bin/python tools/fuzz.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

simulate: .venv/ready ## check the rules over a million simulated steps with faults (STEPS=…)
	.venv/bin/python -m tests.simulation --steps $(or $(STEPS),1000000)

compare: .venv/ready ## run other pollers' rules in the same simulated worlds (SEED=…)
	.venv/bin/python -m bench.compare $(SEED)

check: .venv/ready .sam/ready ## check style, types, the template and the lock files
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/mypy layers/email_opens/email_opens functions tools tests bench
	.venv/bin/mypy --platform win32 layers/email_opens/email_opens tools/email_opens_cli
	$(SAM) validate --lint
	@mkdir -p .cache && .venv/bin/python -c 'import json; from tests.integration.template import \
		read_template; print(json.dumps(read_template()))' > .cache/template.json
	$(CHECKOV) --file .cache/template.json
	@mkdir -p .cache/lock && cp requirements-dev.txt .cache/lock/dev.txt \
		&& cp layers/email_opens/requirements.txt .cache/lock/layer.txt && cp tools/locks/*.txt .cache/lock
	$(COMPILE) --extra dev pyproject.toml --output-file .cache/lock/dev.txt >/dev/null
	$(COMPILE_LAYER) --output-file .cache/lock/layer.txt >/dev/null
	$(call COMPILE_TOOL,uv,.cache/lock)
	$(call COMPILE_TOOL,sam,.cache/lock)
	@diff requirements-dev.txt .cache/lock/dev.txt \
		&& diff tools/locks/uv.txt .cache/lock/uv.txt && diff tools/locks/sam.txt .cache/lock/sam.txt \
		&& diff layers/email_opens/requirements.txt .cache/lock/layer.txt \
		|| { echo 'The lock files do not match pyproject.toml. Run: make lock'; exit 1; }

build: .venv/ready .sam/ready ## build what is deployed, into .aws-sam (LAYER_PLATFORM=x86_64-manylinux_2_28 for x86-64)
	$(SAM) build

# SAM prompts once, for the changes that it will make. What is not among PARAMETERS keeps its value.
deploy deploy-built: export SAM_COMMAND = $(SAM)
deploy deploy-built: DEPLOY = .venv/bin/python tools/deploy.py
deploy deploy-built: ARGUMENTS = $(if $(STACK),--stack '$(STACK)') $(PARAMETERS)
deploy: .venv/ready .sam/ready ## deploy, after one question (STACK=… PARAMETERS="AlarmEmail=… RequestsPerDay=…")
	@$(DEPLOY) --check $(ARGUMENTS)
	@$(MAKE) --no-print-directory build
	@$(DEPLOY) $(ARGUMENTS)

deploy-built: .venv/ready .sam/ready ## deploy what `make build` has built, with the arguments of deploy
	@$(DEPLOY) --check $(ARGUMENTS)
	@$(DEPLOY) $(ARGUMENTS)

bench: .venv/ready ## measure requests, throughput, memory and recovery (about two minutes)
	.venv/bin/python -m bench

bench-delay: .venv/ready ## measure how soon an open is in a subscriber's queue (about six minutes)
	.venv/bin/python -m bench.topic_delay

bench-alert: .venv/ready ## measure what an alert costs, and how soon it comes (about fifteen minutes)
	.venv/bin/python -m bench.alert_delay
	.venv/bin/python -m bench.alert_cost

bench-peers: .venv/ready .peers/ready ## measure `watch` beside other clients of such a feed (about half an hour; QUICK=1: seven minutes)
	.venv/bin/python -m bench.peers $(if $(QUICK),--quick)

cost: .venv/ready ## count and price a month of five stacks, and write the tables of docs/cost-and-scale.md
	.venv/bin/python -m bench.cost --write

accounts: .venv/ready ## check that a thousand accounts in one stack have the results that each has alone
	.venv/bin/python -m bench.accounts

bench-freshness: .venv/ready ## measure how soon opens are published for a day's requests (about three quarters of an hour)
	.venv/bin/python -m bench.freshness

screens: .venv/ready ## redraw the pictures in docs/screens (about two minutes)
	.venv/bin/python tools/screens.py

commands: .venv/ready ## write docs/commands.md from the command line itself
	.venv/bin/python tools/command_reference.py

lock: $(OWN_UV) ## pin the dependencies of pyproject.toml (UPGRADE=--upgrade for the newest)
	$(COMPILE) --extra dev pyproject.toml --output-file requirements-dev.txt >/dev/null
	$(COMPILE_LAYER) --output-file layers/email_opens/requirements.txt >/dev/null
	$(call COMPILE_TOOL,uv,tools/locks)
	$(call COMPILE_TOOL,sam,tools/locks)
	$(COMPILE) bench/peers/requirements.in --output-file bench/peers/requirements.txt >/dev/null

sbom: .venv/ready ## list the packages of the layer and of the command line, with licences, in dist
	@rm -rf .cache/sbom && mkdir -p .cache/sbom dist
	$(UV) venv --quiet --python .venv/bin/python .cache/sbom/layer
	$(UV) venv --quiet --python .venv/bin/python .cache/sbom/command-line
	$(UV) pip sync --quiet --python .cache/sbom/layer --require-hashes layers/email_opens/requirements.txt
	$(UV) pip install --quiet --python .cache/sbom/command-line --constraint requirements-dev.txt \
		--requirement pyproject.toml
	$(CYCLONEDX) --output-file dist/email-opens-layer.cdx.json .cache/sbom/layer
	$(CYCLONEDX) --output-file dist/email-opens.cdx.json .cache/sbom/command-line
	.venv/bin/python tools/licences.py dist/email-opens-layer.cdx.json dist/email-opens.cdx.json

release: .venv/ready ## put together what a release consists of, in dist (TAG=v…)
	@rm -rf dist
	@.venv/bin/python tools/release.py --check $(TAG)
	@$(MAKE) --no-print-directory build sbom
	$(UV) build --quiet --wheel --out-dir dist
	@.venv/bin/python tools/release.py $(TAG)

clean: ## delete everything that make and the tests created here
	rm -rf .venv .uv .sam .peers .aws-sam dist .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: requirements-dev.txt pyproject.toml .python-version | $(OWN_UV)
	@$(UV) python find --quiet --system >/dev/null 2>&1 || $(UV) python install --quiet \
		|| { echo "Python $$(cat .python-version) is neither installed here nor could be downloaded."; \
		echo "Install it, from your system's packages or https://www.python.org/downloads/,"; \
		echo 'or connect to the internet, and run make again.'; exit 1; } >&2
	$(UV) venv --quiet --clear .venv
	@# On a terminal, uv shows how far it is.
	$(UV) pip sync $(if $(shell test -t 2 && echo terminal),,--quiet) --python .venv --require-hashes requirements-dev.txt
	@# With hatchling from the lock file: nothing is downloaded that has no hash.
	$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	$(if $(PYTHONDONTWRITEBYTECODE),env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q \
		layers/email_opens/email_opens tools)
	@touch $@

.sam/ready: tools/locks/sam.txt .venv/ready
	$(UV) venv --quiet --clear --python .venv .sam
	$(UV) pip sync $(if $(shell test -t 2 && echo terminal),,--quiet) --python .sam --require-hashes --no-build tools/locks/sam.txt
	@touch $@

# The clients that `make bench-peers` compares pin each other's packages, and none of the product's.
.peers/ready: bench/peers/requirements.txt .venv/ready
	$(UV) venv --quiet --clear --python .venv .peers
	$(UV) pip sync $(if $(shell test -t 2 && echo terminal),,--quiet) --python .peers --require-hashes --no-build --compile-bytecode bench/peers/requirements.txt
	@touch $@

.uv/bin/uv:
	@echo 'Installing uv, which installs everything else, into .uv'
	@python3 -m venv .uv && .uv/bin/python -m pip install --quiet --only-binary :all: \
		--require-hashes --requirement tools/locks/uv.txt \
		|| { echo 'uv, which installs everything else, could not be installed with python3 and pip.'; \
		echo 'Install uv as https://docs.astral.sh/uv/ describes, and run make again.'; exit 1; } >&2
