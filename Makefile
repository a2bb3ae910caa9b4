# The commands people type:
#
#   make demo      provisions an organisation in the sandbox, from C
#   make test      all tests; sets up what it lacks
#   make install   the library, its header and its pkg-config file, under PREFIX (DESTDIR is honoured)
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

.PHONY: demo test test-rust test-header test-abi test-c test-judge release sandbox header install clean

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

# ---- The main job ----

demo: release sandbox $(build)/provision
	@$(examples)/demo.sh $(build)/provision $(examples)/people.csv

# ---- Tests ----

test: test-rust test-header test-abi test-c test-judge
	@echo "all tests passed"

test-rust: sandbox
	$(CARGO) test --locked --workspace

# ---- Installing ----

install: release
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 644 include/umapi.h $(DESTDIR)$(PREFIX)/include/umapi.h
	install -m 755 $(release)/libumapi.so $(DESTDIR)$(PREFIX)/lib/libumapi.so.$(abi)
	ln -sf libumapi.so.$(abi) $(DESTDIR)$(PREFIX)/lib/libumapi.so
	install -m 644 $(release)/libumapi.a $(DESTDIR)$(PREFIX)/lib/libumapi.a
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@version@|$(version)|' bindings/c/umapi.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/umapi.pc

clean:
	$(CARGO) clean
