# make course   run the notebooks and write a page for each
# make lab      open JupyterLab at notebook 01
# make test     lint, unit tests, and every notebook at the smoke budget
# make test-colab   the same tests with the versions that Google Colab has
# make bench    measure how fast and how large, into docs/performance.md (half an hour)
# make site     build the book site into build/site; make check-links asks its external links
# make slides   a deck per notebook, with notes for the speaker, into build/slides
# make notebooks, lint, clean, test-browser, test-long, test-training (half an hour each)
# make test-fuzz, make test-kills   hostile files and sudden ends (docs/robustness.md)
#
# Each target sets up .venv first, and again when pyproject.toml or constraints.txt has changed.

.DEFAULT_GOAL := help
.PHONY: help course lab test test-colab test-browser test-training \
	test-long test-fuzz test-kills notebooks bench site check-links slides lint clean

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/installed

# Set PYTHON to choose an interpreter, UV to nothing to use pip. A Python newer than those that are
# tested is taken where there is no other: TensorFlow may not have come for it yet.
PYTHON ?= $(shell for newest in 13 99; do \
	for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" \
	2>/dev/null && { echo $$python; exit; }; done; done)
UV ?= $(shell command -v uv 2>/dev/null)
GPU := $(shell nvidia-smi -L 2>/dev/null | grep -c '^GPU')
COMMA := ,
EXTRAS := $(if $(filter-out 0,$(GPU)),tf$(COMMA)cuda,tf-cpu),lab,dev

define STOPPED
echo "The installation stopped. If the lines above find no tensorflow, it has not come for this"; \
echo "Python yet: install Python 3.13, then: rm -rf $(VENV); make lab PYTHON=python3.13"; \
exit 1
endef

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed -n 1,11p

$(STAMP): pyproject.toml constraints.txt
ifeq ($(PYTHON),)
	@echo "CXRLab needs Python 3.11 or newer (3.11 to 3.13 are tested), and none was found."
	@echo "Install one (https://www.python.org/downloads), or name it: make lab PYTHON=/path/to/python"
	@exit 1
endif
	@echo "Setting up $(VENV) with $(EXTRAS) (once; some minutes and 2 GB) ..."
ifeq ($(UV),)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]' || { $(STOPPED); }
else
	@$(BIN)/python --version >/dev/null 2>&1 || $(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]' || { $(STOPPED); }
endif
	@touch $(STAMP)

course: $(STAMP)
	@$(BIN)/cxrlab run

lab: $(STAMP)
	@$(BIN)/cxrlab lab

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# The notebooks run on phantoms, at the smallest budget, in a workspace of their own.
test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile
	@rm -rf build/test-workspace
	env -u CXRLAB_DATA CXRLAB_BUDGET=smoke CXRLAB_WORKSPACE='$(CURDIR)/build/test-workspace' \
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout 300 \
	-n 2 --dist loadfile notebooks

# The same in an environment with Colab's versions (tests/colab-versions.txt; 2 GB), on Colab's
# Python where it is found, else on an older one. COLAB_PYTHON names another.
COLAB := build/colab-venv
COLAB_PYTHON ?= $(shell for python in python3.13 "$(PYTHON)"; do \
	$$python -c '' 2>/dev/null && { echo $$python; break; }; done)
COLAB_BIN := $(COLAB)/$(notdir $(BIN))

$(COLAB)/installed: pyproject.toml tests/colab-versions.txt
	@echo "Setting up $(COLAB) with Colab's versions (once; some minutes and 2 GB) ..."
	@$(COLAB_BIN)/python --version >/dev/null 2>&1 || $(COLAB_PYTHON) -m venv --clear $(COLAB)
	$(COLAB_BIN)/python -m pip install --quiet -c tests/colab-versions.txt -e '.[tf,dev]'
	@touch $@

test-colab: $(COLAB)/installed
	$(COLAB_BIN)/python -m pytest -n 2 --dist loadfile
	@rm -rf build/colab-workspace
	env -u CXRLAB_DATA CXRLAB_BUDGET=smoke CXRLAB_WORKSPACE='$(CURDIR)/build/colab-workspace' \
	$(COLAB_BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout 300 \
	-n 2 --dist loadfile notebooks

# The notebooks in JupyterLab in a real browser. Needs Chromium (or CXRLAB_CHROMIUM to name it).
# ONLY='01 or 02' drives those.
test-browser: $(STAMP)
	CXRLAB_TEST_BROWSER=1 $(BIN)/python -m pytest tests/browser $(if $(ONLY),-k '$(ONLY)')

# Solved copies through nbval, and made-up submissions of every kind through cxrlab grade.
test-long: $(STAMP)
	CXRLAB_TEST_LONG=1 $(BIN)/python -m pytest -m long

# What a lesson relies on and takes many trainings to see: the figures on phantoms and, where
# CXRLAB_TEST_REAL names a folder of them, on real X-rays.
test-training: $(STAMP)
	CXRLAB_TEST_TRAINING=1 $(BIN)/python -m pytest -m training

# Twelve thousand damaged files, from phantoms or from the X-rays in DATA. Prints counts as JSON;
# what broke a promise is kept in build/fuzz.
test-fuzz: $(STAMP)
	PYTHONPATH=tests $(BIN)/python -m fuzzing.fuzz $(if $(DATA),--data '$(DATA)')

# Kills train, tune, run and fetch at random moments, 52 times in all (half an hour; not on Windows).
test-kills: $(STAMP)
	PYTHONPATH=tests $(BIN)/python -m fuzzing.kills

# Runs the committed notebooks again and stores what they show, and the networks they trained.
notebooks: $(STAMP)
	@$(BIN)/cxrlab publish
	@$(BIN)/python -m cxrlab.running.refresh

# DATA names a folder of real X-rays for what is measured on X-rays; without it, phantoms.
bench: $(STAMP)
	$(BIN)/python benchmarks/run_all.py $(if $(DATA),--data '$(DATA)')

# The site and the slides need Sphinx, an extra that nothing else does. Its warnings are errors.
SITE_STAMP := $(VENV)/site-installed

$(SITE_STAMP): $(STAMP)
ifeq ($(UV),)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[site]'
else
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[site]'
endif
	@touch $(SITE_STAMP)

# No notebook is executed: their stored outputs are shown. Phantoms are made once, in a workspace of
# the site's own.
SPHINX := CXRLAB_WORKSPACE='$(CURDIR)/build/site-workspace' CXRLAB_BUDGET=class CXRLAB_DATA= \
	PYTHONPATH=docs/site $(BIN)/python -m sphinx --quiet --fresh-env --conf-dir docs/site \
	-d build/site-doctrees

site: $(SITE_STAMP)
	@rm -rf build/site && mkdir -p build/site-source
	@$(SPHINX) --fail-on-warning --nitpicky build/site-source build/site
	@echo "The site stands in build/site/index.html."

check-links: $(SITE_STAMP)
	@mkdir -p build/site-source
	@$(SPHINX) -b linkcheck build/site-source build/links

# Decks for reveal.js, from the metadata of the notebooks' cells. They open without a network.
slides: $(SITE_STAMP)
	@$(BIN)/python docs/slides.py

clean:
	rm -rf $(VENV) build dist cxrlab-out .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
