# Two commands do everything: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
KRB    := $(VENV)/.kerberos
LOCK   := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-header --no-annotate

.PHONY: demo kerberos test crash-test fault-test gate-test ha-test lint types arch docs bench lock clean help

help:  ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

# The lock is complete, so pip resolves nothing (--no-deps) and every file is checked by its hash.
$(STAMP): constraints.txt pyproject.toml
	@echo "Setting up $(VENV) (only when the lock has changed) …"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## a test failover of twelve VMs on the lab, to a report (KEEP=1 leaves it running)
	@SECONDSITE_HOME="$${SECONDSITE_HOME:-$(CURDIR)/.secondsite/demo}" $(BIN)/secondsite demo $(if $(KEEP),--keep)

# Twice: the first set compiles the second, against libkrb5. pip keeps what it has compiled.
$(KRB): $(STAMP) constraints-kerberos-build.txt constraints-kerberos.txt
	@command -v krb5-config >/dev/null && command -v gcc >/dev/null || \
	  { echo "Kerberos is compiled against libkrb5: install libkrb5-dev, gcc and python3-dev"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints-kerberos-build.txt
	@CFLAGS="-O1 -g0" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --require-hashes -r constraints-kerberos.txt
	@touch $@

kerberos: $(KRB)  ## Kerberos accounts for DNS and WinRM (needs libkrb5-dev, gcc, python3-dev)

test: $(STAMP)  ## every test; integration tests skip what is not installed (CI=true: they fail)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(PYTEST)

crash-test: $(STAMP)  ## kill the engine at 320 instants of every operation, resume, compare (POINTS=0: at each)
	@$(BIN)/python -m tests.campaign.crash --points $(or $(POINTS),320) --seed $(or $(SEED),1)

fault-test: $(STAMP)  ## let one WinRM fault strike a planned failover, 320 times, compare (POINTS=0: at each request)
	@$(BIN)/python -m tests.campaign.faults --points $(or $(POINTS),320) --seed $(or $(SEED),1)

ha-test: $(STAMP)  ## two API servers of Prefect on one PostgreSQL and Redis, one lost
	@SECONDSITE_HA_TEST=1 $(BIN)/python -m pytest -q tests/e2e/test_high_availability.py

gate-test: $(STAMP)  ## gates in random positions, decided in every way, engines killed: 40 stories (SEEDS=n)
	@$(BIN)/python -m tests.campaign.gates --seeds $(or $(SEEDS),40)

lint: $(STAMP)  ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP)  ## static types, code and tests
	@$(BIN)/mypy

arch: $(STAMP)  ## who may import whom
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP)  ## write the generated reference pages and schemas anew
	@$(BIN)/python -m secondsite.cli.reference

bench: $(STAMP)  ## measure the engine against the lab (12, 100, 500 VMs), DNS changes, a dead primary site, open gates
	@$(BIN)/python benchmarks/names.py
	@$(BIN)/python benchmarks/engine.py
	@$(BIN)/python -m benchmarks.dead_site
	@$(BIN)/python -m benchmarks.gates

lock: ## write the locks anew (needs uv): constraints*.txt from pyproject.toml
	@$(LOCK) pyproject.toml --group dev --extra postgresql --extra high-availability -o constraints.txt
	@$(LOCK) --group pyproject.toml:kerberos -c constraints.txt -o constraints-kerberos.txt
	@$(LOCK) --group pyproject.toml:kerberos-build -c constraints.txt -o constraints-kerberos-build.txt

clean:  ## forget the environment and the demo's state
	@rm -rf $(VENV) .secondsite build dist
