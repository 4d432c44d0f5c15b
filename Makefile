# SPDX-License-Identifier: Apache-2.0
#
# proscribe: `make help` lists the goals. Everything built lands below $(O).

VERSION := 0.1.0

O        ?= build
V        ?= 0
CC       ?= gcc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
PREFIX   ?= /usr
DESTDIR  ?=
SANITIZE ?=
WERROR   ?= 1
Q        := $(if $(filter 1,$(V)),,@)

# A library that is missing is named by the compiler; goals that build nothing need no pkg-config.
LIBS_core   = jansson libfyaml libcrypto
LIBS_daemon = libbpf libelf zlib
pkg = $(shell pkg-config $(1) 2>/dev/null)

WARNINGS = -Wall -Wextra -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
	   -Wno-unused-parameter $(if $(filter 1,$(WERROR)),-Werror)
HARDEN   = -fPIE -fstack-protector-strong $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CFLAGS  = -std=gnu11 -O2 -g -D_GNU_SOURCE -I. -I$(O) -DPSC_VERSION='"$(VERSION)"' \
	      -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
BPF_CFLAGS  = -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -g -O2 -Wall -Wextra -Werror \
	      -Wno-unused-parameter -Wno-missing-declarations -I. -Ibpf \
	      -ffile-prefix-map=$(CURDIR)=.

# core defines the maps: libbpf's linker wants definitions before their extern users.
GUARD_SRC  := bpf/core.bpf.c $(filter-out bpf/core.bpf.c bpf/probe.bpf.c,$(wildcard bpf/*.bpf.c))
CORE_SRC   := $(wildcard user/core/*.c)
IDENT_SRC  := $(wildcard user/identify/*.c)
DAEMON_SRC := $(wildcard user/daemon/*.c)
CLI_SRC    := $(wildcard user/cli/*.c)
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)

CORE_OBJ   := $(CORE_SRC:%.c=$(O)/%.o) $(IDENT_SRC:%.c=$(O)/%.o)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(O)/%.o)
CLI_OBJ    := $(CLI_SRC:%.c=$(O)/%.o)
CORE_LIB   := $(O)/libpsc_core.a
PROGRAMS   := $(O)/proscribed $(O)/proscribe

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(PROGRAMS)

# ---- the kernel half: sources -> objects -> one object -> skeleton ---------------

$(O)/bpf/%.tmp.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(O)/bpf/guard.bpf.o: $(GUARD_SRC:bpf/%.bpf.c=$(O)/bpf/%.tmp.o)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/bpf/probe.bpf.o: $(O)/bpf/probe.tmp.o
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- the user half ---------------------------------------------------------------

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(DAEMON_OBJ): | $(O)/bpf/guard.skel.h $(O)/bpf/probe.skel.h

$(CORE_LIB): $(CORE_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/proscribed: $(DAEMON_OBJ) $(CORE_LIB)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg,--libs $(LIBS_daemon) $(LIBS_core))

$(O)/proscribe: $(CLI_OBJ) $(CORE_LIB)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg,--libs $(LIBS_core))

# ---- tests -----------------------------------------------------------------------

UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/unit/%)

$(O)/tests/unit/%: tests/unit/%.c $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(CORE_LIB) \
		$(call pkg,--libs cmocka $(LIBS_core))

# Every fuzz target is built as one clang program with the core sources instrumented.
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/tests/fuzz/%)
FUZZ_CFLAGS = -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -DPSC_VERSION='"$(VERSION)"' \
	      -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_CORE := $(CORE_SRC:%.c=$(O)/fuzz/%.o) $(IDENT_SRC:%.c=$(O)/fuzz/%.o)

$(O)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(O)/fuzz/libpsc_core.a: $(FUZZ_CORE)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/tests/fuzz/%: tests/fuzz/%.c $(O)/fuzz/libpsc_core.a
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -MMD -MP -o $@ $^ \
		$(call pkg,--libs $(LIBS_core))

check-unit: $(UNIT_BIN)
	$(Q)tests/unit/run $(UNIT_BIN)

check-unit-san:
	$(Q)$(MAKE) --no-print-directory check-unit O=$(O)/san SANITIZE=address,undefined

FUZZ_SECONDS ?= 5
check-fuzz: $(FUZZ_BIN)
	$(Q)tests/fuzz/run $(O)/fuzz/work $(FUZZ_SECONDS) $(FUZZ_BIN)

-include tests/vm/lab.mk

# ---- housekeeping ----------------------------------------------------------------

install: all
	install -D -m 755 $(O)/proscribed $(DESTDIR)$(PREFIX)/sbin/proscribed
	install -D -m 755 $(O)/proscribe $(DESTDIR)$(PREFIX)/bin/proscribe

clean:
	rm -rf $(O)

-include $(shell test -d $(O) && find $(O) -name '*.d' -not -path '$(O)/lab/*')
.PHONY: all check-unit check-unit-san check-fuzz install clean
