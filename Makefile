# make demo   install, then raw logs -> store -> trained model, in about five minutes
# make test   install the test tools, then every test but the long campaigns
# make check  lint, format, types, import direction
# make docs   every page of docs/ and the Python reference as HTML, in build/docs
# make bench-smoke  every benchmark on tiny data, without measuring speed
# make test-newest, make test-lowest  the tests with the newest Python and packages, and with the lowest that are allowed
# make gpu    on a machine with a GPU: its tests and benchmarks, in 10 minutes; GPU_PYTHON is the Python that has torch for it
# make peers  an environment for each library that benchmarks compare; those that fail are left out
PYTHON ?= python3
PYTHON311 ?= python3.11
PYTHON312 ?= python3.12
PYTHON313 ?= python3.13
BIN := .venv/bin
GPU_PYTHON ?= $(BIN)/python
PIP := $(BIN)/pip --disable-pip-version-check --quiet install --constraint constraints.txt

.PHONY: demo test test-newest test-lowest check docs bench-smoke gpu soak peers format clean

demo: .venv/installed
	$(BIN)/python -m benchmarks demo

# Torch's threads of several test processes would wait for each other. Three keep two cores busy: many tests wait.
PYTEST := pytest -n 3 --dist loadscope --no-loadscope-reorder -m "not soak and not gpu"

# Folders of tests lie in memory, where there are 8 GB of it: on a disk, each rmdir and fsync of the thousands is a wait
# of milliseconds. They need 2 GB, and are removed after tests that pass.
ifndef TMPDIR
IN_MEMORY := $(shell test "$$(df -k /dev/shm 2> /dev/null | awk 'END { print $$4 }')" -ge 8000000 2> /dev/null && echo yes)
endif

test: .venv/installed-dev
	OMP_NUM_THREADS=1 $(if $(IN_MEMORY),TMPDIR=/dev/shm) \
		$(BIN)/$(PYTEST) $(if $(IN_MEMORY),-o tmp_path_retention_policy=failed)

# Each makes an environment of several gigabytes: an index gives torch for CUDA, unless it has another.
test-newest:
	$(PYTHON313) -m venv --clear build/newest
	build/newest/bin/pip --quiet install --editable ".[dev]"
	OMP_NUM_THREADS=1 build/newest/bin/$(PYTEST) --ignore tests/benchmarks

test-lowest:
	$(PYTHON311) -m venv --clear build/lowest
	sed '1,/^dependencies/d; /^dev =/,$$d' pyproject.toml | grep -oE '[a-z0-9-]+>=[0-9.]+' | sed 's/>=/==/' > build/lowest.txt
	build/lowest/bin/pip --quiet install --constraint build/lowest.txt --editable ".[dev]"
	OMP_NUM_THREADS=1 build/lowest/bin/$(PYTEST) --ignore tests/benchmarks

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/installed-dev
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going -q -d build/docs-cache docs build/docs

bench-smoke: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/benchmarks

soak: .venv/installed-dev
	mkdir -p build
	rm -f build/soak.jsonl
	OMP_NUM_THREADS=1 LONGSTRIDE_SOAK=$(CURDIR)/build/soak.jsonl $(BIN)/pytest -n 2 --dist loadscope \
		--no-loadscope-reorder -m "soak or campaign" --timeout 2400
	$(BIN)/python -m tests.helpers.campaigns build/soak.jsonl

gpu:
	$(GPU_PYTHON) -m benchmarks gpu $(GPU)

PEERS := $(basename $(notdir $(wildcard benchmarks/peers/requirements/*.txt)))

peers:
	$(MAKE) --keep-going $(PEERS:%=build/peers/%/installed)

build/peers/insitubatch/installed: PYTHON = $(PYTHON312)

build/peers/%/installed: benchmarks/peers/requirements/%.txt
	$(PYTHON) -m venv build/peers/$*
	build/peers/$*/bin/pip --disable-pip-version-check --quiet install --requirement $<
	touch $@

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable ".[dev]"
	touch $@
