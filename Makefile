# One name per job; Meson and Ninja do the work (CONTRIBUTING.md says what each is for).
#   make build test demo release test-release install bench tpcds latency micro lint asan tsan soak faults fuzz random compat oracle format clean
BUILD  ?= build
RELEASE ?= build-release
VENV   ?= .venv
PREFIX ?= /usr/local
DESTDIR ?=
# Processes that compile at once; machines with little memory want fewer.
JOBS   ?= $(shell nproc)
# Seconds for each fuzz target, doctest modules for compat (empty: all), scale factor for bench.
FUZZ_SECONDS ?= 60
MODULES ?=
SF     ?= 1
# Of the points that can fail, `make test` lets every n-th one fail; `make faults` all.
FAULT_STRIDE ?= 50

NINJA  = ninja -j $(JOBS) -C
PYTHON = $(VENV)/bin/python
SETUP  = tools/setup

.PHONY: build release test-release build-test build-faults setup setup-build setup-lint test demo install bench tpcds latency arguments micro lint format asan tsan soak faults fuzz random compat oracle clean

build: $(BUILD)/build.ninja
	$(NINJA) $(BUILD)

setup-build:
	@$(SETUP)/debian.sh build

setup:
	@$(SETUP)/debian.sh test
	@$(SETUP)/venv.sh $(VENV) $(SETUP)/requirements-client.txt

setup-lint:
	@$(SETUP)/debian.sh lint

$(BUILD)/build.ninja: | setup-build
	meson setup $(BUILD) --buildtype=debugoptimized

# All that `make test` runs.
build-test: build build-faults

test: setup build-test
	VONK_BUILD=$(BUILD) VONK_VENV=$(VENV) VONK_FAULT_STRIDE=$(FAULT_STRIDE) python3 tools/test_all.py

demo: setup build
	$(PYTHON) examples/demo.py --vonk $(BUILD)/vonk

# What people run: `make install` takes it, benchmarks measure it.
release: setup
	tools/release.sh $(RELEASE) $(PYTHON) $(JOBS)

install: release
	meson configure $(RELEASE) -Dprefix=$(abspath $(PREFIX))
	DESTDIR=$(abspath $(DESTDIR)) meson install -C $(RELEASE) --no-rebuild --quiet

# --- checks of the code ---------------------------------------------------------------------------------------------

lint: build-clang/build.ninja build
	tools/lint.sh $(BUILD) build-clang

build-clang/build.ninja: | setup-lint
	CC='ccache clang-19' meson setup build-clang --buildtype=debugoptimized -Dwerror=true

format: setup-lint
	git ls-files -z 'src/*.c' 'include/*.c' 'tests/*.c' 'examples/*.c' 'bench/*.c' | xargs -0 -r clang-format-19 -i

asan: setup build-asan/build.ninja
	$(NINJA) build-asan
	VONK_BUILD=build-asan VONK_VENV=$(VENV) python3 tools/test_all.py --only unit,sql,frames,clients

build-asan/build.ninja: | setup-build
	meson setup build-asan --buildtype=debug -Db_sanitize=address,undefined -Db_lundef=false

# The code that `make install` brings is compiled otherwise.
test-release: release
	VONK_BUILD=$(RELEASE) VONK_VENV=$(VENV) python3 tools/test_all.py --only sql,frames,clients
	tests/install.sh $(CURDIR) $(RELEASE)

# 64 clients at once, three times for a minute, killed at random.
soak: setup build
	$(PYTHON) tests/clients/soak.py --vonk $(BUILD)/vonk
	VONK=$(abspath $(BUILD)/vonk) VONK_CONTEXTS=1000 $(PYTHON) -m pytest -q tests/clients/test_classic_faults.py -k left_over

tsan: setup build-tsan/build.ninja
	$(NINJA) build-tsan
	VONK_BUILD=build-tsan VONK_VENV=$(VENV) python3 tools/test_all.py --only unit,sql,frames,clients

build-tsan/build.ninja: | setup-build
	meson setup build-tsan --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false

# Every point at which memory, reading, writing or sending can fail, fails once, under AddressSanitizer.
faults: build-faults
	$(NINJA) build-faults
	VONK_BUILD=build-faults VONK_FAULT_STRIDE=1 python3 tools/test_all.py --only unit,faults

build-faults: build-faults/build.ninja
	$(NINJA) build-faults tests/faults/faults tests/faults/faults_connect vonk

build-faults/build.ninja: | setup-build
	meson setup build-faults --buildtype=debug -Dfaults=true -Db_sanitize=address,undefined -Db_lundef=false

fuzz: build-fuzz/build.ninja random
	$(NINJA) build-fuzz
	tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

# Random queries in every way of tests/modes, and by SQLite; another seed each day.
random: build
	python3 tests/random/check.py --vonk $(BUILD)/vonk --seed $$(date +%Y%m%d) --seconds $(FUZZ_SECONDS)

build-fuzz/build.ninja: | setup-lint
	CC='ccache clang-19' meson setup build-fuzz --buildtype=debugoptimized -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false

# --- against others -------------------------------------------------------------------------------------------------

compat: setup build
	@$(SETUP)/venv.sh .venv-compat $(SETUP)/requirements-client.txt $(SETUP)/requirements-compat.txt
	.venv-compat/bin/python compat/run.py --vonk $(BUILD)/vonk $(if $(MODULES),--modules $(MODULES))

oracle: setup build
	@$(SETUP)/debian.sh java
	$(PYTHON) tools/oracle/answers.py --venv $(VENV)

# One of eight; all: $(PYTHON) tools/oracle/arguments.py --share 1
arguments: setup build
	@$(SETUP)/debian.sh java
	$(PYTHON) tools/oracle/arguments.py --vonk $(BUILD)/vonk --venv $(VENV)

bench: release
	@$(SETUP)/debian.sh java
	@$(SETUP)/venv.sh .venv-bench $(SETUP)/requirements-client.txt $(SETUP)/requirements-bench.txt
	@$(SETUP)/venv.sh .venv-sail $(SETUP)/requirements-sail.txt
	.venv-bench/bin/python bench/tpch/run.py --vonk $(RELEASE)/vonk --sail-venv .venv-sail --sf $(SF)

tpcds: release
	@$(SETUP)/debian.sh java
	@$(SETUP)/venv.sh .venv-tpcds $(SETUP)/requirements-tpcds.txt
	$(PYTHON) bench/tpcds/run.py --vonk $(RELEASE)/vonk --tpcds-venv .venv-tpcds --sf $(SF)

# Start and small calls; --engines vonk,sail,spark for the others.
latency: release
	$(PYTHON) bench/latency/run.py --vonk $(RELEASE)/vonk --build $(RELEASE) --engines vonk

micro: build
	$(NINJA) $(BUILD) bench/micro/micro
	$(BUILD)/bench/micro/micro

clean:
	rm -rf build build-release build-asan build-tsan build-faults build-fuzz build-clang
