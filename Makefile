# SPDX-License-Identifier: Apache-2.0
#
# proscribe: `make help` lists the goals. Everything built lands below $(O).

VERSION := 0.1.0
# The day of the manual pages, 00:00 UTC: the guard never takes the time for an earlier one.
RELEASED := 1767225600

O        ?= build
V        ?= 0
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
PREFIX   ?= /usr
DESTDIR  ?=
SANITIZE ?=
WERROR   ?= 1
Q        := $(if $(filter 1,$(V)),,@)

# A library that is missing is named by the compiler; goals that build nothing need no pkg-config.
# Without librpm everything is built, and "rpm: not covered" is said where it matters.
RPM ?= $(shell pkg-config --exists rpm 2>/dev/null && echo 1)
LIBS_core   = zlib jansson libfyaml libcrypto libelf libarchive $(if $(filter 1,$(RPM)),rpm)
LIBS_worker = libseccomp
LIBS_daemon = libbpf mount
pkg = $(shell pkg-config $(1) 2>/dev/null)

WARNINGS = -Wall -Wextra -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
	   -Wno-unused-parameter $(if $(filter 1,$(WERROR)),-Werror)
HARDEN   = -fPIE -fstack-protector-strong $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CFLAGS  = -std=gnu11 -O2 -g -D_GNU_SOURCE -I. -I$(O) -DPSC_VERSION='"$(VERSION)"' \
	      -DPSC_RELEASED=$(RELEASED)ULL -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) $(HARDEN) $(SANFLAGS) $(CFLAGS)
# As needed: the core library has readers (libarchive, librpm) that not every program uses.
ALL_LDFLAGS = -pie -Wl,--as-needed -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
BPF_CFLAGS  = -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -g -O2 -Wall -Wextra -Werror \
	      -Wno-unused-parameter -Wno-missing-declarations -I. -Ibpf \
	      -ffile-prefix-map=$(CURDIR)=.

# core defines the maps: libbpf's linker wants definitions before their extern users.
GUARD_SRC  := bpf/core.bpf.c $(filter-out bpf/core.bpf.c bpf/probe.bpf.c,$(wildcard bpf/*.bpf.c))
CORE_SRC   := $(wildcard user/core/*.c)
IDENT_SRC  := $(filter-out user/identify/$(if $(filter 1,$(RPM)),rpm_none,rpm).c, \
	      $(wildcard user/identify/*.c))
SCAN_SRC   := $(filter-out $(if $(filter 1,$(RPM)),user/scan/rpmdb_none.c,user/scan/rpmdb.c user/scan/rpmdb_files.c), \
	      $(wildcard user/scan/*.c))
WORKER_SRC := $(wildcard user/worker/*.c)
DAEMON_SRC := $(wildcard user/daemon/*.c)
CLI_SRC    := $(wildcard user/cli/*.c)
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)

CORE_OBJ   := $(CORE_SRC:%.c=$(O)/%.o) $(IDENT_SRC:%.c=$(O)/%.o) $(SCAN_SRC:%.c=$(O)/%.o)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(O)/%.o)
CLI_OBJ    := $(CLI_SRC:%.c=$(O)/%.o)
WORKER_OBJ := $(WORKER_SRC:%.c=$(O)/%.o)
CORE_LIB   := $(O)/libpsc_core.a
CLI_LIB    := $(O)/libpsc_cli.a
PROGRAMS   := $(O)/proscribed $(O)/proscribe $(O)/proscribe-identify

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

# Parts of programs that unit tests link: they need nothing of the kernel half.
CLIENT_OBJ  := $(O)/user/daemon/identify.o $(O)/user/daemon/worker.o
SANDBOX_OBJ := $(O)/user/worker/sandbox.o
# The resolver's thread, without the daemon that it works for.
RESOLVER_OBJ := $(patsubst %,$(O)/user/daemon/resolver_%.o,queue run collect files mounts origin places rpm owner)

$(filter-out $(CLIENT_OBJ) $(RESOLVER_OBJ),$(DAEMON_OBJ)): | $(O)/bpf/guard.skel.h $(O)/bpf/probe.skel.h

$(CORE_LIB): $(CORE_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What the tests of the command line call.
$(CLI_LIB): $(filter-out $(O)/user/cli/main.o,$(CLI_OBJ))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/proscribed: $(DAEMON_OBJ) $(CORE_LIB)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg,--libs $(LIBS_daemon) $(LIBS_core))

$(O)/proscribe-identify: $(WORKER_OBJ) $(CORE_LIB)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg,--libs $(LIBS_worker) $(LIBS_core))

$(O)/proscribe: $(CLI_OBJ) $(CORE_LIB)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg,--libs $(LIBS_core))

# ---- tests -----------------------------------------------------------------------

UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/unit/%)

$(O)/tests/unit/test_identify_client: $(CLIENT_OBJ) | $(O)/proscribe-identify
$(O)/tests/unit/test_sandbox: $(SANDBOX_OBJ)
$(O)/tests/unit/test_resolver: $(RESOLVER_OBJ)
$(O)/tests/unit/test_resolver_watch: $(patsubst %,$(O)/user/daemon/resolver_%.o,queue watch)
$(O)/tests/unit/test_rpm_packages: $(RESOLVER_OBJ) | $(O)/proscribe-identify

$(O)/tests/unit/%: tests/unit/%.c $(CLI_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(filter %.o,$^) $(CLI_LIB) \
		$(CORE_LIB) $(call pkg,--libs cmocka $(LIBS_worker) $(LIBS_core))

# Every fuzz target is built as one clang program with the core sources instrumented.
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/tests/fuzz/%)
FUZZ_CFLAGS = -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -DPSC_VERSION='"$(VERSION)"' \
	      -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_CORE := $(CORE_SRC:%.c=$(O)/fuzz/%.o) $(IDENT_SRC:%.c=$(O)/fuzz/%.o) \
	     $(SCAN_SRC:%.c=$(O)/fuzz/%.o)

$(O)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(O)/fuzz/libpsc_core.a: $(FUZZ_CORE)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/tests/fuzz/%: tests/fuzz/%.c $(O)/fuzz/libpsc_core.a
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -MMD -MP -o $@ \
		$(filter %.c %.a,$^) \
		$(call pkg,--libs $(LIBS_core))

check-unit: $(UNIT_BIN)
	$(Q)tests/unit/run $(UNIT_BIN)

check-unit-san:
	$(Q)$(MAKE) --no-print-directory check-unit O=$(O)/san SANITIZE=address,undefined

FUZZ_SECONDS ?= 3
check-fuzz: $(FUZZ_BIN)
	$(Q)tests/fuzz/run $(O)/fuzz/work $(FUZZ_SECONDS) $(FUZZ_BIN)

include tests/vm/lab.mk
-include tests/vm/cases.mk
-include tests/bench/bench.mk
-include tests/lint/lint.mk
-include tests/tools/tools.mk

# What these need is installed first, so the work is done by another make. Guests wait much of
# their time: three jobs keep two processors busy.
check: deps
	$(Q)$(MAKE) --no-print-directory -j2 all $(UNIT_BIN) $(FUZZ_BIN) $(cases_programs) \
		$(O)/tests/lint/defaults
	$(Q)$(MAKE) --no-print-directory -j4 -Otarget lint check-unit check-unit-san check-fuzz \
		check-interchange check-lab

demo: deps
	$(Q)$(MAKE) --no-print-directory demo-run

deps:
	$(Q).ci/install-packages

# ---- housekeeping ----------------------------------------------------------------

MAN1 := $(wildcard user/dist/*.1)
MAN5 := $(wildcard user/dist/*.5)
MAN8 := $(wildcard user/dist/*.8)
share = $(DESTDIR)$(PREFIX)/share

install: all
	install -D -m 755 $(O)/proscribed $(DESTDIR)$(PREFIX)/sbin/proscribed
	install -D -m 755 $(O)/proscribe $(DESTDIR)$(PREFIX)/bin/proscribe
	install -D -m 755 $(O)/proscribe-identify \
		$(DESTDIR)$(PREFIX)/libexec/proscribe/proscribe-identify
	install -d -m 755 $(share)/man/man5 $(share)/man/man8
	install -m 644 $(MAN5) $(share)/man/man5
	install -m 644 $(MAN8) $(share)/man/man8
	install -D -m 644 user/dist/proscribe.bash-completion \
		$(share)/bash-completion/completions/proscribe
	install -D -m 644 user/dist/proscribed.service \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/proscribed.service
	install -D -m 644 user/dist/proscribe.tmpfiles.conf \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/proscribe.conf
	install -D -m 644 user/dist/proscribe.sysusers.conf \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/proscribe.conf
	install -D -m 644 user/dist/proscribe.yaml $(share)/doc/proscribe/proscribe.yaml
	install -d -m 755 $(share)/proscribe/profiles
	install -m 644 policy/profiles/*.yaml $(share)/proscribe/profiles
	cd policy/catalog && find . -type f -exec install -D -m 644 {} \
		$(abspath $(share))/proscribe/catalog/{} \;
	install -d -m 750 $(addprefix $(DESTDIR)/etc/proscribe/,lists.d profiles.d catalog.d objects.d \
		trust.d)

# Only what install brought: configuration, state and log stay. `proscribe off` comes before.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/proscribed $(DESTDIR)$(PREFIX)/bin/proscribe \
		$(MAN5:user/dist/%=$(share)/man/man5/%) $(MAN8:user/dist/%=$(share)/man/man8/%) \
		$(share)/bash-completion/completions/proscribe \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/proscribed.service \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/proscribe.conf \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/proscribe.conf
	rm -rf $(DESTDIR)$(PREFIX)/libexec/proscribe $(share)/doc/proscribe $(share)/proscribe

DIST := proscribe-$(VERSION)
dist:
	$(Q)test -z "$$(git status --porcelain)" || { echo 'dist: the tree has changes' >&2; exit 1; }
	$(Q)mkdir -p $(O)
	$(Q)git archive --prefix=$(DIST)/ -o $(O)/$(DIST).tar.gz HEAD
	$(Q)cd $(O) && sha256sum $(DIST).tar.gz | tee $(DIST).tar.gz.sha256

clean:
	rm -rf $(O)

define HELP
make                 build the programs below $(O)/
make check           lint, unit tests, fuzzers, the lab cases on three kernels (under 25 minutes)
make check-long      what takes longer; by hand
make check-interchange, check-tools   one-liners of the docs; what other people's tools say
make demo            the guard at work in a throw-away virtual machine
make lab KERNEL=6.1|6.12|new RUN=script.sh   run a script under that kernel
make bench           what the guard costs, in counted instructions; bench-full: all of it
make bench-scan      a scan of a Debian root beside find and grep
make bench-log       what the audit log costs, beside the journal and openssl
make lint, format    check, mend the sources' form
make install, uninstall   DESTDIR= and PREFIX= as usual
make dist            source archive of HEAD
make clean
Variables: O=build CC= CLANG= SANITIZE=address,undefined V=1 WERROR=0 RPM=0 (without librpm)
endef
export HELP
help:
	@printf '%s\n' "$$HELP"

-include $(shell test -d $(O) && find $(O) -name '*.d' -type f -not -path '$(O)/lab/*' -not -path '$(O)/bench-scan/*')
.PHONY: all check demo check-unit check-unit-san check-fuzz deps install uninstall dist clean help
