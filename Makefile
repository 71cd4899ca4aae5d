# Everything runs in .venv, made here from the committed lock; nothing else has to be installed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK_HASH := $(shell $(PYTHON) -c "import hashlib; print(hashlib.sha256(open('requirements.lock', 'rb').read()).hexdigest()[:16])")
LOCKED := .venv/locked-$(LOCK_HASH)
INSTALLED := .venv/installed-$(LOCK_HASH)
QUICK := -m "not proof"
# Thousands of processes are started: each would compile what none may keep.
export PYTHONDONTWRITEBYTECODE :=
COVERING := tests/core tests/remotes tests/fuzz tests/contracts tests/models
COMPUTED := tests/proof/crash tests/proof/simulation
COMMANDS := tests/e2e tests/spark

.PHONY: help setup demo test field oracles prove check package bench screenshots mutants lock clients

help:
	@echo "make demo | test | field | oracles | prove | check | package | bench | screenshots | mutants | setup | lock"

demo: setup
	$(BIN)/syncer demo

# With PROFILE=FILE: the tests of whole commands only, and their stand-ins behave as this profile of `syncer probe` says.
# The tests of core and codecs keep one core busy, so they go first; beside them the rest, which mostly wait for processes of their own, are
# spread over four. The report of the first comes after the rest, and how much they cover.
ifdef PROFILE
test: setup
	$(BIN)/python -m pytest -q -n 4 --dist worksteal $(QUICK) tests/e2e --profile "$(PROFILE)"
else
test: setup
	@told=$$(mktemp); $(BIN)/python -m coverage run -m pytest -q $(QUICK) $(COVERING) >$$told 2>&1 & covering=$$!; \
	nice -n 5 $(BIN)/python -m pytest -q -n 4 --dist worksteal $(QUICK) $(patsubst %,--ignore=%,tests/proof tests/field $(COVERING)); rest=$$?; \
	wait $$covering; code=$$?; cat $$told; rm $$told; exit $$((rest | code))
	$(BIN)/python -m coverage report
	$(BIN)/python -m tests.proof.simulation --seeds 60
	$(BIN)/python -m tests.proof.simulation --daemon --seeds 20
endif

# Tests that read real labels from a folder `shared` beside the checkout, which a fresh clone does not have.
field: setup
	$(BIN)/python -m pytest -q tests/field

# What other converters read of these labels, recorded for the tests above: each in an environment of its own.
oracles: setup
	$(BIN)/python -m tests.field.oracles.record

# What docs/reliability.md says, shown: simulation, safeguards switched off, crash points, kills, signals, full disks, broken networks, endpoints fuzzed,
# instructions counted, and the tests elsewhere that try every case, need Spark, or hold the emulator to the official clients. In two lanes that take as long:
# what is computed and then whole commands and Spark, beside the rest. The report of the first lane comes after the second.
prove: setup clients
	@told=$$(mktemp); { \
		$(BIN)/python -m pytest -q $(COMPUTED); computed=$$?; \
		$(BIN)/python -m pytest -q -m proof $(COMMANDS); commands=$$?; exit $$((computed | commands)); \
	} >$$told 2>&1 & first=$$!; \
	$(BIN)/python -m pytest -q --durations=10 $(patsubst %,--ignore=%,$(COMPUTED)) tests/proof; proofs=$$?; \
	$(BIN)/python -m pytest -q -m proof $(patsubst %,--ignore=%,tests/proof $(COMMANDS)) tests; elsewhere=$$?; \
	wait $$first; code=$$?; cat $$told; rm $$told; exit $$((proofs | elsewhere | code))

# The official clients that the emulator is held to, each in an environment of its own: made once, kept by the hash of its lock.
clients: setup
	$(BIN)/python tests/clients/environments.py >/dev/null

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict syncer
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/config/test_example.py

# A wheel and an sdist, each installed into an empty environment and used there.
package: setup
	$(BIN)/python -m tests.house.package

bench: setup
	$(BIN)/python -m benchmarks

# The pictures of the status page in docs/images, of a real daemon on the emulator; needs Chromium.
screenshots: setup
	$(BIN)/python -m tests.browser.screenshots

# How many planted bugs the tests notice: SEED=1 COUNT=400 PARTS=core,engine JOBS=1. An hour or two; interrupted, it goes on where it was.
mutants: setup
	@$(BIN)/python -m tests.mutants

setup: $(INSTALLED)

# A venv of another lock is made again, so that nothing of it is left.
$(LOCKED):
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'syncer needs Python 3.11 or newer: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv --clear .venv
	$(PIP) install --quiet --require-hashes -r requirements.lock
	touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	touch $@

# After a change of the dependencies in pyproject.toml; needs pip-tools (pip-compile) on the path.
lock:
	pip-compile --quiet --generate-hashes --extra test --strip-extras --allow-unsafe --resolver=backtracking \
		--no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock pyproject.toml
	for name in tests/clients/*.in tests/browser/*.in tests/endpoints/*.in tests/field/oracles/*.in benchmarks/peers/*.in; do \
		pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --resolver=backtracking --no-emit-index-url \
			--no-emit-find-links --no-header --output-file "$${name%.in}.lock" "$$name" || exit 1; \
	done
