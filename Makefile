# The targets for users and developers:
#
#   make demo      provisions an organisation in the sandbox, from C
#   make test      runs all tests; installs the programs that they need
#   make faults    renews the fault matrix in tests/fault_matrix/README.md
#   make soak      runs more random schedules, which compare the library's results with the sandbox's; SECONDS, SEED
#   make fuzz      fuzzes every parser of foreign input; SECONDS for each target
#   make bench     compares the library with the alternatives, in five minutes; ROUNDS
#   make install   installs the library, its header, its pkg-config file and its programs under PREFIX, with DESTDIR
#   make header    renews include/umapi.h from the source

CARGO ?= cargo
CC ?= cc
CXX ?= c++
PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=

build := target/c
release := target/release
version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
abi := 1
strict := -Wall -Wextra -pedantic -Werror
c := $(CC) -std=c99 $(strict) -g -Iinclude
against_library := -L$(build) -lumapi -Wl,-rpath,$(CURDIR)/$(build)
examples := bindings/c/examples

# Make's built-in rules are turned off.
.SUFFIXES:

.PHONY: demo test setup lint test-rust test-abi test-header test-install test-c test-faults test-adobe-client release sandbox header \
	install faults soak fuzz bench bench-programs clean

# ---- Building ----

release:
	$(CARGO) build --release --locked -p umapi
	@mkdir -p $(build)
	@ln -sf ../release/libumapi.so $(build)/libumapi.so
	@ln -sf ../release/libumapi.so $(build)/libumapi.so.$(abi)

sandbox:
	$(CARGO) build --locked -p umapi-sandbox

header:
	UMAPI_UPDATE_HEADER=1 $(CARGO) build

$(build)/provision: $(examples)/provision.c $(examples)/people.c $(examples)/people.h include/umapi.h | release
	$(c) $(examples)/provision.c $(examples)/people.c -o $@ $(against_library)

$(build)/umapi-check $(build)/umapi-key-pair: $(build)/%: $(examples)/%.c include/umapi.h | release
	$(c) $< -o $@ $(against_library)

# ---- The main job ----

demo: release sandbox $(build)/provision
	@$(examples)/demo.sh $(build)/provision $(examples)/people.csv

# ---- Tests ----

c_tests := first credentials keys key_pair configuration tokens rotation reading acting action_rules executing answers calls waits \
	cancel_waits throttling client errors bad_input garbage threads pressure fork
network_tests := transport check secrets
with_sandbox := tests/support/with-sandbox.sh --tls --limits off --page-size 20 --
with_network := $(with_sandbox) tests/support/with-network.py
valgrind := valgrind -q --num-callers=40 --leak-check=full --errors-for-leak-kinds=definite,possible --error-exitcode=9 \
	--suppressions=tests/support/c/valgrind.supp
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
adobe_client := target/adobe_client

export UMAPI_TEST_KEYS := $(CURDIR)/target/keys

test: setup lint test-rust test-abi test-header test-install test-c test-faults test-adobe-client
	@echo "all tests passed"

setup:
	@tests/support/setup.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

test-rust: sandbox
	$(CARGO) test --locked --workspace -- --show-output

test-abi: release
	@tests/abi/check.sh $(release)/libumapi.so include/umapi.h

test-header: release
	@mkdir -p $(build)/tests
	@$(c) tests/abi/header.c -o $(build)/tests/header-c99 $(against_library) && $(build)/tests/header-c99
	@$(CXX) -std=c++17 $(strict) -Iinclude -x c++ tests/abi/header.c -o $(build)/tests/header-c++17 $(against_library) \
		&& $(build)/tests/header-c++17

test-install: release
	@rm -rf target/installed
	@$(MAKE) --no-print-directory install PREFIX=$(CURDIR)/target/installed >/dev/null
	@$(CC) tests/abi/header.c -o $(build)/tests/shared -Itarget/installed/include -Ltarget/installed/lib -lumapi \
		&& LD_LIBRARY_PATH=target/installed/lib $(build)/tests/shared
	@$(CC) tests/abi/header.c -o $(build)/tests/static -Itarget/installed/include target/installed/lib/libumapi.a \
		-lpthread -ldl -lm && $(build)/tests/static
	@UMAPI_ORG_ID= target/installed/bin/umapi-check | grep -q "^FAILED  configuration .*UMAPI_ORG_ID" \
		&& echo "ok      umapi-check, installed"

$(build)/tests/first $(build)/sanitized/first: $(examples)/first.c

# The names of the C tests are unique, so that make finds a test by its name in any folder.
vpath %.c $(wildcard tests/c/*) tests/fault_matrix
c_support := tests/support/c/harness.c tests/support/c/operations.c
c_test := $(c) -Itests/support/c

$(build)/tests/%: %.c $(c_support) $(c_support:.c=.h) include/umapi.h | release
	@mkdir -p $(@D)
	@$(c_test) $< $(c_support) -o $@ $(against_library) -lpthread

# This test loads the library at run time and is not linked against it.
$(build)/tests/unload: tests/c/concurrency/unload.c include/umapi.h | release
	@mkdir -p $(@D)
	@$(CC) -std=gnu99 -Wall -Wextra -Werror -g -Iinclude $< -o $@ -lpthread -ldl

$(build)/sanitized/%: %.c $(c_support) $(c_support:.c=.h) include/umapi.h | release
	@mkdir -p $(@D)
	@$(c_test) $(sanitize) $< $(c_support) -o $@ $(against_library) -lpthread

# Each C test runs three times: plain, under valgrind, and built with sanitizers. A test that measures every wait of every
# call would take too long under valgrind and prove nothing.
checked := $(filter-out cancel_waits,$(c_tests)) faults
# AddressSanitizer's allocator does not work in a child that is forked while other threads run.
sanitized := $(filter-out fork,$(c_tests)) faults
c_programs := $(c_tests) faults $(network_tests)

test-c: sandbox release target/keys $(build)/tests/unload $(c_programs:%=$(build)/tests/%) $(c_programs:%=$(build)/sanitized/%) \
		$(build)/provision $(build)/umapi-check $(build)/umapi-key-pair
	@for test in $(c_tests); do \
		echo "== $$test"; $(with_sandbox) $(build)/tests/$$test || exit 1; \
	done
	@for test in $(checked); do \
		echo "== $$test, under valgrind"; \
		UMAPI_TEST_SLOWNESS=10 $(with_sandbox) $(valgrind) $(build)/tests/$$test || exit 1; \
	done
	@for test in $(sanitized); do \
		echo "== $$test, with sanitizers"; \
		UMAPI_TEST_SLOWNESS=2 $(with_sandbox) $(build)/sanitized/$$test || exit 1; \
	done
	@for test in $(network_tests); do \
		echo "== $$test, among proxies"; $(with_network) $(build)/tests/$$test || exit 1; \
		echo "== $$test, among proxies, under valgrind"; \
		UMAPI_TEST_SLOWNESS=10 $(with_network) $(valgrind) $(build)/tests/$$test || exit 1; \
		echo "== $$test, among proxies, with sanitizers"; \
		UMAPI_TEST_SLOWNESS=2 $(with_network) $(build)/sanitized/$$test || exit 1; \
	done
	@echo "== unload"; $(with_sandbox) $(build)/tests/unload $(release)/libumapi.so
	@echo "== umapi-check with every fault"
	@$(with_network) tests/c/network/umapi-check.py $(build)/umapi-check
	@echo "== the README's keys and certificates"
	@$(with_sandbox) tests/documents/keys-and-certificates.sh $(build)
	@echo "== the demo"
	@tests/demo/check.sh $(build)/provision $(examples)/people.csv $(valgrind)

test-faults: sandbox release $(build)/tests/faults
	@tests/fault_matrix/check.sh $(build)/tests/faults

faults: sandbox release $(build)/tests/faults
	@tests/fault_matrix/check.sh $(build)/tests/faults --update

# Runs new schedules of both kinds for SECONDS in all. A mismatch prints the seed that repeats it.
soak: SECONDS ?= 60
soak: SEED ?= $(shell date +%s)
soak: sandbox
	@for test in ledger listing; do \
		SCHEDULES_SEED=$(SEED) SCHEDULES_SECONDS=$$(( ($(SECONDS) + 1) / 2 )) \
			$(CARGO) test --quiet --locked --test $$test -- --nocapture || exit 1; \
	done

# Fuzzes the parsers of answers, the loading of keys, and the C calls, for SECONDS each.
fuzz: SECONDS ?= 600
fuzz:
	tests/fuzz/run.sh $(SECONDS)

test-adobe-client: sandbox $(adobe_client)/ready
	@cd tests/sandbox/adobe_client && UMAPI_SANDBOX=$(CURDIR)/target/debug/umapi-sandbox \
		$(CURDIR)/$(adobe_client)/bin/python -m unittest

$(adobe_client)/ready: tests/sandbox/adobe_client/requirements.txt
	$(PYTHON) -m venv $(adobe_client)
	$(adobe_client)/bin/python -m pip install -q -r tests/sandbox/adobe_client/requirements.txt
	@touch $@

target/keys: tests/support/keys.sh
	@rm -rf $@
	tests/support/keys.sh $@

# ---- Measuring ----

bench_build := target/bench
bench_c := $(CC) -std=c99 $(strict) -O2 -Iinclude
bench_clients := $(addprefix $(bench_build)/,read act getter)
bench_programs := $(bench_clients) $(addprefix $(bench_build)/,load measure libcurl_act simdjson_read)

# The library is measured as it is released, without the environment's settings for quick builds.
bench: ROUNDS ?= 15
bench:
	@PYTHON=$(PYTHON) benches/setup.sh $(bench_build)/venv
	@env -u CARGO_PROFILE_RELEASE_LTO -u CARGO_PROFILE_RELEASE_CODEGEN_UNITS -u RUSTFLAGS \
		$(MAKE) --no-print-directory bench-programs
	@$(PYTHON) benches/bench.py --rounds $(ROUNDS)

bench-programs: release sandbox $(bench_programs)
	$(CARGO) build --release --locked -p umapi-bench-server

$(bench_build):
	@mkdir -p $@

$(bench_clients): $(bench_build)/%: benches/umapi/%.c benches/umapi/service.c benches/umapi/service.h include/umapi.h \
		| release $(bench_build)
	$(bench_c) $< benches/umapi/service.c -o $@ $(against_library) -lpthread

$(bench_build)/load: benches/umapi/load.c include/umapi.h | $(bench_build)
	$(bench_c) $< -o $@ -ldl

$(bench_build)/measure: benches/measure.c | $(bench_build)
	$(bench_c) $< -o $@

$(bench_build)/libcurl_act: benches/baselines/libcurl_act.c | $(bench_build)
	$(bench_c) $< -o $@ -lcurl

$(bench_build)/simdjson_read: benches/baselines/simdjson_read.cpp | $(bench_build)
	$(CXX) -std=c++17 $(strict) -O3 $< -o $@ -lcurl -lsimdjson

# ---- Installing ----

install: release
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 644 include/umapi.h $(DESTDIR)$(PREFIX)/include/umapi.h
	install -m 755 $(release)/libumapi.so $(DESTDIR)$(PREFIX)/lib/libumapi.so.$(abi)
	ln -sf libumapi.so.$(abi) $(DESTDIR)$(PREFIX)/lib/libumapi.so
	install -m 644 $(release)/libumapi.a $(DESTDIR)$(PREFIX)/lib/libumapi.a
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@version@|$(version)|' bindings/c/umapi.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/umapi.pc
	for program in umapi-check umapi-key-pair; do \
		$(c) $(examples)/$$program.c -o $(DESTDIR)$(PREFIX)/bin/$$program -L$(DESTDIR)$(PREFIX)/lib -lumapi \
			-Wl,-rpath,'$$ORIGIN/../lib' || exit 1; \
	done

clean:
	$(CARGO) clean
