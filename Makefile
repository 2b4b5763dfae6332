# duolift: 3D people in one scene from 2D poses alone.   `make help` says what there is.

PYTHON ?= python3
VENV ?= .venv
DATA ?= synthetic
ROOT ?= data/$(DATA)
EXPERIMENT ?= default
ARGS ?=

# A run is named after its experiment and its data, unless RUN says otherwise.
RUN_GIVEN := $(RUN)
RUN ?= $(EXPERIMENT)-$(notdir $(patsubst %/,%,$(ROOT)))

COMMA := ,

READY := $(VENV)/.installed
RUN_PYTHON := $(VENV)/bin/python -m
TESTS := pytest --numprocesses=logical --maxprocesses=8 --dist=loadfile --no-loadscope-reorder
SETTINGS := experiment=$(EXPERIMENT) run=$(RUN) data.source=$(DATA) data.root=$(ROOT) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help install pretrain-flows train-lifter ablation evaluate compare ground complete distil pack weights report study sweep \
	dashboard real bench gpu soak audit docs test test-all lowest fuzz lint format clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables, with their values now:"
	@echo "    DATA=$(DATA)        synthetic (the embedded set, written on demand), chi3d (a tree in its layout), mocap (BVH or AMC), panoptic, mupots, somof, h36m, mpi_inf_3dhp, keypoints (2D alone)"
	@echo "    ROOT=$(ROOT)        the data's folder"
	@echo "    EXPERIMENT=$(EXPERIMENT)    one of the experiments below"
	@echo "    RUN=$(RUN)        folder of results in runs/"
	@echo "    ARGS=\"key=value ...\"    any other setting, such as ARGS=\"lifter=all seed=1\""
	@echo
	@echo "  Experiments, each a file in experiments/conf/:"
	@for file in experiments/conf/*.yaml; do \
		printf "    %-12s %s\n" "$$(basename $$file .yaml)" "$$(sed -n '1s/^# //p' $$file)"; \
	done

install: $(READY) ## Create the environment

$(READY): pyproject.toml constraints.txt hashes.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r hashes.txt
	PIP_CONSTRAINT=constraints.txt $(VENV)/bin/pip install --quiet --disable-pip-version-check -e ".[train,outputs,rerun,bench,dev,docs]"
	@touch $@

pretrain-flows: $(READY) ## Learn the density of 2D poses
	@$(RUN_PYTHON) experiments.pretrain_flows $(SETTINGS)

train-lifter: $(READY) ## Train the lifter, and the flows where they are missing
	@$(RUN_PYTHON) experiments.train_lifter $(SETTINGS)

ablation: $(READY) ## Everything from nothing to Table 1
	@$(RUN_PYTHON) experiments.ablation $(SETTINGS)

evaluate: DATA = chi3d
evaluate: $(READY) ## Score a trained run (RUN=name) on another set (ROOT=folder)
	@test -n "$(RUN_GIVEN)" || { echo "error: give RUN=name, a folder in runs/" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.evaluate run=$(RUN) data.source=$(DATA) data.root=$(ROOT) $(ARGS)

compare: $(READY) ## Lifters (LIFTERS="a.safetensors b.safetensors") side by side on a set, and which differences are chance
	@test -n "$(LIFTERS)" || { echo "error: give LIFTERS=\"file ...\", of which the first is compared with" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.compare $(SETTINGS) --lifters $(LIFTERS)

ground: $(READY) ## What ground placement bears, by a trained run (RUN=name) on a set (ROOT=folder)
	@test -n "$(RUN_GIVEN)" || { echo "error: give RUN=name, a folder in runs/" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.ground run=$(RUN) data.source=$(DATA) data.root=$(ROOT) $(ARGS)

complete: $(READY) ## Fill in hidden joints: train it for a run's lifter, and score it
	@$(RUN_PYTHON) experiments.complete $(SETTINGS)

distil: $(READY) ## Teach a network to lift what detectors see, by a run's lifter, and score both
	@$(RUN_PYTHON) experiments.distil $(SETTINGS)

pack: $(READY) ## A trained run (RUN=name) as a file for duolift lift --checkpoint
	@test -n "$(RUN_GIVEN)" || { echo "error: give RUN=name, a folder in runs/" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.pack run=$(RUN) $(ARGS)

weights: FIRST = $(if $(MOCAP),$(if $(KEYPOINTS),shipped_weights,mocap_weights),weights)
weights: WEIGHTS = $(if $(START),refined_weights,$(FIRST))
weights: EXTRA = mocap:$(MOCAP)$(if $(KEYPOINTS),$(COMMA)20*keypoints:$(KEYPOINTS))
weights: SECOND = "distillation.extra=[mocap:$(MOCAP),80*keypoints:$(KEYPOINTS)]" distillation.start=$(START)
weights: $(READY) ## Make the lifter that comes with the package (MOCAP=folder KEYPOINTS=folder, then START=file as well), or one from the embedded set alone
	@test -n "$(MOCAP)" || test -z "$(KEYPOINTS)" || { echo "error: give MOCAP=folder beside KEYPOINTS" >&2; exit 2; }
	@test -n "$(KEYPOINTS)" || test -z "$(START)" || { echo "error: give KEYPOINTS=folder beside START" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.distil experiment=$(WEIGHTS) run=$(WEIGHTS) $(if $(MOCAP),"data.extra=[$(EXTRA)]") $(if $(START),$(SECOND)) $(ARGS)
	@$(RUN_PYTHON) experiments.pack run=$(WEIGHTS) $(ARGS)
	@mkdir -p duolift/weights && cp runs/$(WEIGHTS)/whole.safetensors duolift/weights/shipped.safetensors

report: $(READY) ## A finished run (RUN=name) as a page, runs/<RUN>/report.html, and as figures for print
	@test -n "$(RUN_GIVEN)" || { echo "error: give RUN=name, a folder in runs/" >&2; exit 2; }
	@$(RUN_PYTHON) experiments.report run=$(RUN) $(ARGS)

study: $(READY) ## One factor at a time from the default, into docs/study.csv
	@$(RUN_PYTHON) experiments.study data.source=$(DATA) data.root=$(ROOT) $(ARGS)

sweep: $(READY) ## A grid of settings, that of experiments/sweep.yaml, here and without an account
	@$(RUN_PYTHON) experiments.sweep $(SETTINGS)

dashboard: SETTINGS = experiment=$(EXPERIMENT) $(if $(RUN_GIVEN),run=$(RUN)) data.source=$(DATA) data.root=$(ROOT) $(ARGS)
dashboard: $(READY) ## Publish the W&B workspace; without a key, open the offline runs (RUN=name: those of one) in the terminal
	@$(RUN_PYTHON) experiments.dashboard $(SETTINGS)

real: DATA = shelf
real: $(READY) ## Score lifters (LIFTER="file ...") on real people whose 3D is known (ROOT=folder)
	@$(RUN_PYTHON) benchmarks.real --set $(DATA) --root $(ROOT) $(if $(LIFTER),--lifter $(LIFTER)) $(ARGS)

bench: $(READY) ## Time it beside what it is compared with, into docs/bench.md (ARGS="flow data" for some)
	@$(RUN_PYTHON) benchmarks $(ARGS)

gpu: $(READY) ## All that is to be known of a GPU in minutes, into runs/gpu/gpu.json (ARGS="--seconds 540")
	@$(RUN_PYTHON) benchmarks.gpu $(if $(filter chi3d,$(DATA)),--root $(ROOT)) $(ARGS)

soak: $(READY) ## An hour of use: does memory stay flat? (ARGS="--minutes 5")
	@$(RUN_PYTHON) benchmarks.soak $(ARGS)

audit: $(READY) ## Known weaknesses of what is installed, as far as their list can be reached
	@$(VENV)/bin/pip-audit --disable-pip --no-deps --requirement constraints.txt

docs: $(READY) ## Build the documentation site, into docs/_build/html
	@$(RUN_PYTHON) sphinx --quiet --fail-on-warning --keep-going --nitpicky docs docs/_build/html
	@echo "site  docs/_build/html/index.html"

test: $(READY) ## Run the tests, but for those that take long
	@$(RUN_PYTHON) $(TESTS) -m "not slow"

test-all: $(READY) ## Run every test, and see what they cover
	@$(RUN_PYTHON) $(TESTS) --cov=duolift --cov-report=term --cov-fail-under=95

lowest: ## Run the tests on the lowest versions that pyproject.toml allows, in .venv-lowest
	$(PYTHON) -m venv .venv-lowest
	PIP_CONSTRAINT=lowest.txt .venv-lowest/bin/pip install --quiet --disable-pip-version-check -e ".[train,outputs,rerun,bench,dev,docs]"
	@.venv-lowest/bin/python -m $(TESTS)

fuzz: $(READY) ## Give every reader 100,000 broken files (ARGS="npz pictures --inputs 1000" for some)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[fuzz]"
	@$(RUN_PYTHON) fuzzing $(ARGS)

lint: $(READY) ## Check style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(READY) ## Rewrite the code in the project's style
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

clean: ## Remove the environment; data and runs stay
	rm -rf $(VENV) *.egg-info
