# ito: a thin front for CMake and Ninja. `make help` lists what there is.
BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
# T=REGEX chooses tests by name: make test T=unit/
T      ?= .
# The tests that run again under the sanitizers, and how long each fuzz target runs, in seconds.
SANITIZE_TESTS ?= ^(unit|oom|exact|fuzz)/
TSAN_TESTS     ?= ^unit/test_(prefetch|loader|thread|queue)
VALGRIND_TESTS ?= ^(unit/test_base|oom/)
FUZZ_SECONDS   ?= 20
# Where the Arm system's libraries lie for `make arm`; fetched when they do not.
ARM_SYSROOT    ?= build-arm-sysroot

CONFIGURE = cmake -G Ninja -S . -B
CTEST     = ctest --output-on-failure --no-tests=error -j$(JOBS) --test-dir
C_FILES   = $(shell git ls-files '*.c' '*.h')

.PHONY: all build setup help demo test proof verify bench recipes install format lint lint-tools lint-format lint-gcc lint-clang \
        lint-tidy sanitize tsan fuzz valgrind arm clean
all: build

help:
	@echo 'make            build: the program is $(BUILD)/ito'
	@echo 'make demo       train on the built-in shapes for DEMO_MINUTES (3), sample, draw: out/demo/'
	@echo 'make test       build and run every test; T=REGEX chooses by name (make test T=unit/)'
	@echo 'make verify     orders and errors of every sampler on closed forms: docs/verification.md'
	@echo 'make proof      train every process with every prediction on a mixture, hold them against closed forms: docs/proof.md'
	@echo 'make bench      measure ito beside PyTorch where it is installed: bench/compare, PYTHON=... chooses which'
	@echo 'make recipes    train each image recipe for MINUTES (5) on DATA, measure, sample: docs/recipes.md; goes on where it was'
	@echo 'make install    program, libraries, headers, ito.pc below PREFIX ($(PREFIX)); DESTDIR is honoured'
	@echo 'make format     rewrite the sources with clang-format'
	@echo 'make lint       clang-format check, builds with gcc and clang, clang-tidy'
	@echo 'make sanitize   the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make tsan       the threaded tests under ThreadSanitizer'
	@echo 'make fuzz       each fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS)) under libFuzzer'
	@echo 'make valgrind   the memory tests under valgrind'
	@echo 'make arm        build for 64-bit Arm with the cross compiler, run the tests under qemu; T=REGEX chooses'
	@echo 'make clean      remove the build folders'
	@echo 'Missing Debian packages are installed first; ITO_NO_INSTALL=1 prints the command instead and stops.'

setup:
	@sh tools/setup.sh

build: setup
	@$(CONFIGURE) $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; mv $(BUILD).log $(BUILD)/configure.log
	@cmake --build $(BUILD)

demo: build
	@sh tools/demo.sh

test: build
	$(CTEST) $(BUILD) -R '$(T)'

proof: build
	@sh tools/proof.sh $(BUILD)

verify: build
	@$(BUILD)/ito verify --out docs/verification.md

bench: build
	@sh tools/bench.sh

recipes: build
	@sh tools/recipes.sh

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

format: lint-tools
	clang-format -i $(C_FILES)

lint: lint-format lint-gcc lint-clang lint-tidy

lint-tools: setup
	@sh tools/setup.sh lint

lint-format: lint-tools
	clang-format --dry-run -Werror $(C_FILES)

lint-gcc: lint-tools
	$(CONFIGURE) $(BUILD) -DCMAKE_C_COMPILER=gcc >/dev/null
	cmake --build $(BUILD)

lint-clang: lint-tools
	$(CONFIGURE) build-clang -DCMAKE_C_COMPILER=clang >/dev/null
	cmake --build build-clang

# The tests are left to the compilers: the analyzer does not know that cmocka's assertions do not return.
lint-tidy: lint-clang
	run-clang-tidy -quiet -p build-clang -j$(JOBS) '$(CURDIR)/(src|examples)/'

sanitize: setup
	$(CONFIGURE) build-asan -DCMAKE_BUILD_TYPE=Debug -DITO_SANITIZE=address,undefined >/dev/null
	cmake --build build-asan
	$(CTEST) build-asan -R '$(SANITIZE_TESTS)'

# clang's OpenMP runtime tells ThreadSanitizer about its barriers (libarcher); gcc's does not, and looks racy.
tsan: lint-tools
	$(CONFIGURE) build-tsan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DITO_SANITIZE=thread >/dev/null
	cmake --build build-tsan
	TSAN_OPTIONS=ignore_noninstrumented_modules=1 $(CTEST) build-tsan -R '$(TSAN_TESTS)'

fuzz: lint-tools
	$(CONFIGURE) build-fuzz -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DITO_FUZZ=ON \
	    -DITO_SANITIZE=address,undefined >/dev/null
	cmake --build build-fuzz
	sh tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

valgrind: build
	@sh tools/setup.sh valgrind
	OMP_NUM_THREADS=1 ctest --test-dir $(BUILD) --no-tests=error --output-on-failure -R '$(VALGRIND_TESTS)' -T memcheck \
	    --overwrite MemoryCheckCommand="$$(command -v valgrind)" \
	    --overwrite MemoryCheckCommandOptions='--leak-check=full --error-exitcode=1 -q'

# Ten times slower than the machine itself, or more: an emulated test may take an hour.
arm: setup
	@sh tools/setup.sh arm
	sh tools/arm-sysroot.sh $(ARM_SYSROOT)
	$(CONFIGURE) build-arm -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DITO_ARM_SYSROOT=$(abspath $(ARM_SYSROOT)) >/dev/null
	cmake --build build-arm
	$(CTEST) build-arm -R '$(T)'

clean:
	rm -rf $(BUILD) build-clang build-asan build-tsan build-fuzz build-arm
