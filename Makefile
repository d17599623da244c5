# Every target makes its own .venv: nothing is needed but Python 3.11 or newer and make.

VENV ?= .venv
# What pip installs into $(VENV): `dev`, or `test` for an interpreter that only runs the tests.
EXTRA ?= dev
# make test ARGS='-k pool -x'
ARGS ?=
# Versions that `make test-all` leaves out: SKIP='3.11'
SKIP ?=
# How long `make fuzz` takes for each of its targets; ARGS='mime' is for one of them.
SECONDS ?= 100

# A name on PATH may be a shim that does not run, and a Python may come without venv: so each is tried.
usable = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(usable)' 2>/dev/null && { echo $$python; break; }; done)
ALL_PYTHONS = $(addprefix python3.,11 12 13 14 15 16 17 18 19 20) $(wildcard $(HOME)/.pyenv/versions/*/bin/python3)
named = import sys, venv, ensurepip; v = sys.version_info; \
	v >= (3, 11) and sys.implementation.name == "cpython" and print(f"{v.major}.{v.minor}={sys.executable}")

bin = $(VENV)/bin
ready = $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo npm test test-all check coverage fuzz bench docs clean
.DELETE_ON_ERROR:

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

$(ready): pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found. Install one (Debian: python3-venv)," \
		"or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c '$(usable)' || { echo "$(PYTHON) is not CPython 3.11 or newer with venv." >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv $(VENV)
	@$(bin)/python -m pip install -qq --disable-pip-version-check --editable '.[$(EXTRA)]'
	@touch $@

demo: $(ready) ## send mail to a real server on this machine, and show what happened
	@PYTHONPATH=tests $(bin)/python examples/demo.py

npm: tests/readers/node_modules/.installed tests/servers/node/node_modules/.installed ## fetch what some tests need from npm

%/node_modules/.installed: %/package-lock.json
	@cd $* && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

test: $(ready) ## run the tests
	$(bin)/python -m pytest $(ARGS)

test-all: ## run the tests on every CPython >= 3.11 of this machine
	@found=$$(for python in $(ALL_PYTHONS); do $$python -c '$(named)' 2>/dev/null; done | sort -s -t= -u -k1,1 -V); \
	echo "Found:" $${found:-none}; test -n "$$found" || exit 1; failed=; \
	for each in $$found; do version=$${each%%=*}; \
		case " $(SKIP) " in *" $$version "*) echo "== Python $$version: skipped as asked"; continue;; esac; \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory test VENV=.venv-$$version EXTRA=test PYTHON=$${each#*=} || failed="$$failed $$version"; \
	done; \
	test -z "$$failed" || { echo "Failed on Python$$failed" >&2; exit 1; }

check: $(ready) ## format, lint, types (mypy, pyright, 100 % of the public names), structure
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/pyright --pythonpath $(bin)/python
	# --verifytypes takes no --pythonpath: it asks the python on PATH where the package is.
	PATH="$(CURDIR)/$(bin):$$PATH" pyright --verifytypes smtpkit --ignoreexternal
	$(bin)/python -m pytest -q -m structure

coverage: $(ready) ## branch coverage of the parsers and the transaction: fails under 98 % (5 minutes)
	# Without tests that measure time, fork, or send through other programs.
	$(bin)/python -m coverage run -m pytest -q tests --ignore tests/end_to_end --ignore tests/message/test_growth.py \
		--ignore tests/mailer/test_interruptions.py -m 'not structure' $(ARGS)
	$(bin)/python -m coverage report

fuzz: ## fuzz the parsers, SECONDS=100 each; what it learns and finds is kept in .fuzz/
	@$(MAKE) --no-print-directory VENV=.venv-fuzz EXTRA=fuzz .venv-fuzz/.installed
	@PYTHONPATH=tests .venv-fuzz/bin/python -m fuzz --seconds $(SECONDS) $(ARGS)

bench: ## measure speed, round trips and memory beside peers, and write docs/benchmarks.md (6 minutes)
	@$(MAKE) --no-print-directory VENV=.venv-bench EXTRA=bench .venv-bench/.installed
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory benchmarks/node/node_modules/.installed
	@.venv-bench/bin/python -m benchmarks

docs: ## build the site into build/site; it fails on any warning and any link that leads nowhere
	@$(MAKE) --no-print-directory VENV=.venv-docs EXTRA=docs .venv-docs/.installed
	@.venv-docs/bin/python scripts/site.py

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-* .coverage .fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache .zensical.toml build dist *.egg-info
	find tests benchmarks -name node_modules -type d -prune -exec rm -rf {} +
	find smtpkit tests examples benchmarks fuzz scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
