# One command per task; `make help` lists them.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
BOOK := $(BIN)/jupyter-book
READY := .venv/.ready
BENCH_READY := .venv-bench/.ready
GRADING_READY := .venv-grading/.ready
AUDIT_READY := .venv-audit/.ready
OLDEST_READY := .venv-oldest/.ready
MUTANTS_READY := .venv-mutants/.ready
# What an importer's own project may need; the book has its lock.
comma := ,
IMPORTED := plot,cvxpy,torch,dask,homework,test
# The networks here are small: threads that wait for one another cost more than they give.
export OMP_NUM_THREADS = 1
# An environment of its own, from a lock file, on top of the book's.
define on_top
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	  > "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/book.pth"
	@touch $@
endef
.DEFAULT_GOAL := help
.PHONY: help env book pdf serve test lint types units grading strict site notebooks reproduce faults bench browser lock clean \
  audit test-oldest test-newest fuzz coverage mutants

help:  ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' Makefile

env: $(READY)  ## make .venv from requirements.lock, and install hwlib into it

$(READY): requirements.lock pyproject.toml src/hwlib/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

book: env  ## build the site into _build/html
	$(BOOK) build .

pdf: book browser  ## print the whole book into _build/pdf/checked-homework.pdf
	PYTHONPATH=book/_ext $(BIN)/python -m hwbook.pdf

serve: book  ## build, then serve the site on this machine (PORT=8000)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

# Each part with its budget in seconds, on two cores with the environment ready, and what it waits
# for; grading makes its environment at the first time.
test: env browser  ## run every check: 22 minutes, with the environment there
	@$(BIN)/python tests/run.py lint:20 types:60 strict:420 units:840 site:840:strict grading:300 notebooks:300:strict

lint: env  ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env  ## mypy --strict on src
	$(BIN)/mypy

# Tests look at the site as soon as they are collected: units and grading leave it to strict.
units: env  ## the library's tests
	HWLIB_SITE=none $(BIN)/pytest -m "not site and not notebooks and not grading"

grading: env $(GRADING_READY)  ## the homework through nbgrader: hand out, grade, give back, export
	HWLIB_SITE=none $(BIN)/pytest -m grading

# nbgrader stays out of the book's environment, and lies on top of it: torch is there already.
$(GRADING_READY): tests/homework/requirements.lock $(READY)
	$(call on_top,.venv-grading,tests/homework/requirements.lock)

strict: env  ## a clean build in which every warning is an error
	$(BOOK) clean .
	$(BOOK) build . -W -n --keep-going

site: env  ## the tests of the built site (after make strict)
	$(BIN)/pytest -m site

# Each in an environment with the wheel and the extras that it names, alone. Two train for minutes:
# a commit executes one of them, ALL=1 both.
notebooks: env  ## execute the chapters' notebooks (after make strict; ALL=1 the slow ones, too)
	HWLIB_ALL_NOTEBOOKS=$(ALL) $(BIN)/pytest -m notebooks

fuzz: env  ## try every property on 10,000 fresh examples: hours
	$(BIN)/pytest -m hypothesis --hypothesis-profile=fuzz --timeout=0

test-oldest: $(OLDEST_READY)  ## the library's tests with the oldest dependencies (PYTHON must be 3.11)
	.venv-oldest/bin/pytest --ignore=tests/book -m "not grading" -W ignore::DeprecationWarning

$(OLDEST_READY): tests/requirements-oldest.lock pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements-oldest.lock
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

test-newest:  ## the library's tests with the newest dependencies, as of now (PYTHON=python3.13)
	rm -rf .venv-newest
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$(IMPORTED)]"
	.venv-newest/bin/pytest --ignore=tests/book -m "not grading"

audit: $(AUDIT_READY)  ## ask for known vulnerabilities of what requirements.lock pins (needs a network)
	.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

# --strict: what the service does not know would pass otherwise, and all passes where it knows nothing.
$(AUDIT_READY): tests/audit/requirements.lock
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/audit/requirements.lock
	@touch $@

reproduce: env  ## build twice from clean copies, in two surroundings, and compare every byte
	$(BIN)/python tests/book/reproduce.py

faults: env  ## plant every fault of tests/book/faults.toml: each must turn its claims red
	$(BIN)/python tests/book/plant.py

coverage: env $(MUTANTS_READY)  ## lines and branches of src that the library's tests run: at least 95% of each
	.venv-mutants/bin/python tests/mutants/measure.py

# Each goes on where it was stopped. After new tests, make coverage and run.py units --again try the
# survivors again.
mutants: coverage  ## how many small mistakes in src the tests find, and how many the chapters alone
	.venv-mutants/bin/python tests/mutants/run.py units
	.venv-mutants/bin/python tests/mutants/run.py book
	.venv-mutants/bin/python tests/mutants/run.py report

# What measures the tests lies on top of the book's environment, as nbgrader does.
$(MUTANTS_READY): tests/mutants/requirements.lock $(READY)
	$(call on_top,.venv-mutants,tests/mutants/requirements.lock)

bench: book $(BENCH_READY)  ## measure side by side; writes benchmarks/results
	$(BIN)/python benchmarks/fashion_mnist.py times
	$(BIN)/python benchmarks/fashion_mnist.py search
	$(BIN)/python benchmarks/fashion_mnist.py ladder
	$(BIN)/python benchmarks/site.py
	$(BIN)/python benchmarks/live.py
	$(BIN)/python benchmarks/boxes.py
	$(BIN)/python benchmarks/softmax.py
	$(BIN)/python benchmarks/backprop.py
	$(BIN)/python benchmarks/lad_dask.py
	$(BIN)/python benchmarks/book.py
	.venv-bench/bin/python benchmarks/lad.py

# What hwlib is measured against stays out of the book's environment.
$(BENCH_READY): benchmarks/requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Debian's browser is the one that the tests drive; elsewhere they skip and say so.
browser:
	@command -v chromium >/dev/null || [ -n "$$HWLIB_CHROMIUM" ] || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || \
	      echo "chromium could not be installed: the tests in a browser will skip" >&2; \
	  fi

# Each lock file says what is installed, on all platforms, and nothing of where it came from.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links

lock:  ## resolve all lock files anew (needs uv)
	$(COMPILE) pyproject.toml --fork-strategy fewest \
	  --extra plot --extra cvxpy --extra torch --extra dask --extra book --extra test --group build \
	  --output-file requirements.lock
	$(COMPILE) benchmarks/requirements.in --output-file benchmarks/requirements.lock
	$(COMPILE) tests/homework/requirements.in --constraint requirements.lock \
	  --output-file tests/homework/requirements.lock
	$(COMPILE) tests/audit/requirements.in --output-file tests/audit/requirements.lock
	$(COMPILE) tests/mutants/requirements.in --constraint requirements.lock \
	  --output-file tests/mutants/requirements.lock
	$(COMPILE) pyproject.toml --no-config --resolution lowest-direct $(foreach one,$(subst $(comma), ,$(IMPORTED)),--extra $(one)) \
	  --output-file tests/requirements-oldest.lock

clean:  ## delete what was built, the execution cache too (not .venv)
	rm -rf _build .mutants .pytest_cache .mypy_cache .ruff_cache
