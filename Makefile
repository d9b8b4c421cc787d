# Two commands do everything on a fresh machine: `make consult` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# Modules are compiled once: where a shell forbids it every process starts in twice the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help consult test soak browser fuzz-api load peers doors lint notebooks docs example pages benchmark manifest calibration sbc mutation coverage release format clean

help:
	@echo "make consult    set up, then answer the seed article's question"
	@echo "make test       set up, then lint, check types and run every test"
	@echo "make soak       a thousand spoilt folders, workbooks and tables in memory each (the tests read one in twenty), every count of the findings' pages left out again, and every state through every face"
	@echo "make browser    the pages and the site in Debian's Chromium, with and without script, on paper, by axe-core; FHIR by two validators"
	@echo "make fuzz-api   5,000 requests by Schemathesis to a server on this machine"
	@echo "make load       requests a second by wrk, at 1, 16 and 64 connections; faults; memory over 100,000 requests"
	@echo "make peers      pool() beside PyMC, nutpie, NumPyro, JAGS, rstanarm, metafor and others, which it installs; writes the tables (twelve minutes)"
	@echo "make doors      write the table of what each door reads and refuses (docs/evidence-format.md)"
	@echo "make lint       ruff and mypy only"
	@echo "make notebooks  run the notebooks, and write them with their output beside their text in docs/notebooks"
	@echo "make docs       build the site, offline and with warnings as errors: build/docs/index.html"
	@echo "make example    write the consultations in docs/examples again"
	@echo "make pages      write the findings' pages in docs/findings again (a minute)"
	@echo "make benchmark  time and error of pool() beside PyMC and of its two models; a consultation cold and warm; many at once"
	@echo "make manifest   write the hashes of the shipped findings and corpora, after a change of evidence"
	@echo "make calibration  judge the default on the development corpus again, after a change of the code behind it (five minutes)"
	@echo "make sbc        simulation-based calibration again, after a change of the code behind the fits (six minutes)"
	@echo "make mutation   small faults in four modules, and which of them no test notices (an hour; SAMPLE=20 for a few of each)"
	@echo "make coverage   branch coverage of the tests: build/coverage/index.html"
	@echo "make release    the wheel and the sdist, and the wheel tried in new environments of Python 3.12 and 3.13, where they are"
	@echo "make format     let ruff format the code"
	@echo "make clean      remove what these commands made"

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "riskmodel needs Python 3.12 or newer, and none was found. Install it, or say make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/base: $(VENV)/made pyproject.toml constraints.txt
	@echo "Setting up (a minute or two, once) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev: $(VENV)/docs
	@echo "Installing what the tests need ..."
	@$(PIP) --editable '.[web,jwt,excel,dev]'
	@touch $@

$(VENV)/docs: $(VENV)/base
	@echo "Installing what the site needs ..."
	@$(PIP) --editable '.[docs]'
	@touch $@

consult: $(VENV)/base
	@$(BIN)/riskmodel consult --weeks 20 --size 5.5x4.4x3.4 --location umbilical-vein --foci 1

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --quiet

soak: $(VENV)/dev
	RISKMODEL_SOAK=1 RISKMODEL_WRITE=1 $(BIN)/python -m pytest --numprocesses 2 --quiet tests/evidence/test_mutations.py \
	  tests/evidence/test_workbook_mutations.py tests/evidence/test_frame_mutations.py tests/campaign -k "spoilt or campaign"
	RISKMODEL_SOAK=1 $(BIN)/python -m pytest --quiet tests/sensitivity/test_ledger.py -k stored_moves
	RISKMODEL_SOAK=1 $(BIN)/python -m pytest --numprocesses 2 --quiet tests/between tests/inference tests/tree/test_coherence.py \
	  tests/mcmc tests/coarsened/test_drawn.py tests/consultation/test_information.py tests/priors/test_families.py \
	  tests/report/test_findings.py
	RISKMODEL_SOAK=1 $(BIN)/python -m pytest --numprocesses 2 --quiet tests/serve/test_same_numbers.py

browser: $(VENV)/dev
	tests/browser/install.sh
	@$(PIP) playwright
	$(BIN)/python -m pytest --quiet tests/browser tests/serve/test_hooks.py

fuzz-api: $(VENV)/dev
	@$(PIP) schemathesis
	$(BIN)/python benchmarks/fuzz_api.py

load: $(VENV)/dev
	@command -v wrk >/dev/null || { apt-get update -qq && apt-get install -qq -y wrk >/dev/null; }
	$(BIN)/python benchmarks/serve.py

PEERS := build/peers-venv
R_PEERS := r-base-core r-cran-jsonlite r-cran-metafor r-cran-lme4 r-cran-vgam r-cran-glmmtmb r-cran-rjags r-cran-rstanarm

$(PEERS)/made: $(VENV)/made pyproject.toml constraints.txt
	@$(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt --editable . nutpie statsmodels pymare proportions==0.3.5
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt numpyro || echo "NumPyro cannot be installed here"
	@touch $@

peers: $(PEERS)/made
	@command -v Rscript >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends $(R_PEERS) >/dev/null; } || echo "R cannot be installed here"
	$(PEERS)/bin/python benchmarks/peers/run.py --write

doors: $(VENV)/dev
	RISKMODEL_WRITE=1 $(BIN)/python -m pytest --quiet tests/test_doors.py

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/dev
	$(BIN)/ruff format .

notebooks: $(VENV)/docs
	$(BIN)/jupytext --quiet --to ipynb docs/notebooks/*.py
	$(BIN)/jupyter-execute --inplace docs/notebooks/*.ipynb

docs: $(VENV)/docs
	@rm -rf docs/generated  # of pictures and names that are no longer there
	$(BIN)/sphinx-build -W --keep-going --quiet -d build/doctrees docs build/docs
	@echo "The site begins at build/docs/index.html"

example: $(VENV)/base
	mkdir -p docs/examples
	$(BIN)/riskmodel consult --weeks 20 --size 5.5x4.4x3.4 --location umbilical-vein --foci 1 > docs/examples/seed.txt
	for audience in clinician patient researcher; do \
	  ask() { $(BIN)/riskmodel consult --audience $$audience --markdown "$$@"; }; \
	  ask --weeks 20 --size 5.5x4.4x3.4 --location umbilical-vein --foci 1 > docs/examples/seed-$$audience.md || exit 1; \
	  for state in isolated associated; do \
	    ask --anatomy $$state > docs/examples/$$state-$$audience.md || exit 1; \
	  done; \
	done

pages: $(VENV)/base
	for finding in riskmodel/data/fetal-*; do \
	  name=$$(basename $$finding); \
	  $(BIN)/riskmodel evidence page $$name docs/findings || exit 1; \
	  mv docs/findings/$$name.moves.json $$finding/moves.json; \
	done

benchmark: $(VENV)/base
	$(BIN)/python benchmarks/pool_against_nuts.py
	$(BIN)/python benchmarks/logit_normal.py
	$(BIN)/python benchmarks/consultation.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/many_findings.py

manifest: $(VENV)/base
	$(BIN)/python -c "from riskmodel.evidence import manifest; manifest.write()"

calibration: $(VENV)/base
	$(BIN)/riskmodel calibrate --jobs 2 --out riskmodel/data/corpora/development
	rm riskmodel/data/corpora/development/calibration.md

sbc: $(VENV)/base
	$(BIN)/python validation/simulate.py

mutation: $(VENV)/dev
	@$(PIP) mutmut
	$(BIN)/python validation/mutation.py $(if $(SAMPLE),--sample $(SAMPLE))

coverage: $(VENV)/dev
	@$(PIP) pytest-cov
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --quiet --cov --cov-report=html --cov-report=term $(TESTS)

release: $(VENV)/made
	@$(PIP) build
	$(BIN)/python validation/release.py $(PYTHONS)

clean:
	rm -rf $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build dist docs/generated docs/notebooks/*.ipynb
