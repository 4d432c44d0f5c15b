# SPDX-License-Identifier: Apache-2.0
# What the guard costs, in counted instructions: docs/performance.md says how to read it.
#
#   make bench [KERNEL=6.1]        the first rows of the goals; all kernels without KERNEL
#   make bench-full [KERNEL=6.1]   the rows that take long as well, and bench-scale; by hand
#   make bench-scale [KERNEL=6.1]  what a million digests cost beside the time of an execution
#   make bench-scan [BENCH_SCANS=20]   a scan of a Debian root beside find and grep, on this host
#   make bench-log [BENCH_RECORDS=200000 BENCH_READ=10000000]   what the audit log costs, beside the
#                                  journal and openssl, on this host
#   BENCH_ROUNDS=4 BENCH_SAMPLES=30

BENCH_ROUNDS  ?= 4
BENCH_SAMPLES ?= 30
BENCH_SCANS   ?= 20
BENCH_RECORDS ?= 200000
BENCH_READ    ?= 10000000
# lab.mk gives KERNEL a default, which is not a choice.
bench_kernels = $(if $(filter command environment,$(firstword $(origin KERNEL))),$(KERNEL),6.1 6.12 new)
bench_out := $(abspath $(O))
bench_stage := $(O)/tests/bench/bench
bench_data := lib.sh report.jq table.jq example-list.csv debian-sizes.csv
BENCH_CFLAGS = -std=gnu11 -O2 -g0 -D_GNU_SOURCE $(WARNINGS)

bench_files := $(addprefix $(bench_stage)/,measure target-static floor population load gap \
	guard.bpf.o $(bench_data))

$(bench_stage)/measure: tests/bench/measure.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(bench_stage)/target-static: tests/bench/target.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(bench_stage)/floor: tests/bench/floor.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -o $@ $< $(call pkg,--libs libbpf)

$(bench_stage)/gap: tests/bench/gap.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -o $@ $<

$(bench_stage)/population: tests/bench/population.c $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -I. -o $@ $^ $(call pkg,--libs $(LIBS_core))

# with the daemon's own way of filling the maps
$(bench_stage)/load: tests/bench/load.c $(O)/user/daemon/generation.o $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -I. -o $@ $^ $(call pkg,--libs libbpf $(LIBS_core))

$(bench_stage)/guard.bpf.o: $(O)/bpf/guard.bpf.o
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(addprefix $(bench_stage)/,$(bench_data)): $(bench_stage)/%: tests/bench/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# bench_run SCRIPT [ARG...]: on each kernel; MEM and TIMEOUT are lab.mk's.
bench_run = for kernel in $(bench_kernels); do \
		MAKE='$(MAKE)' MEM='$(MEM)' TIMEOUT='$(TIMEOUT)' tests/bench/run '$(bench_out)' \
			$$kernel tests/bench/$(1) || exit; \
	done
bench_counts := $(BENCH_ROUNDS) $(BENCH_SAMPLES)

$(O)/tests/bench/scan_tool: tests/bench/scan_tool.c tests/unit/image.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -I. -o $@ $<

# with the daemon's own writer
$(O)/tests/bench/log_tool: tests/bench/log_tool.c $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -I. -o $@ $^ $(call pkg,--libs $(LIBS_core))

.PHONY: bench bench-full bench-scale bench-scan bench-log
bench-log: $(O)/proscribe $(O)/tests/bench/log_tool
	$(Q)mkdir -p $(O)/bench-log
	$(Q)tests/bench/log.sh '$(abspath $(O))/bench-log' '$(abspath $(O))/proscribe' \
		'$(abspath $(O))/tests/bench/log_tool' $(BENCH_RECORDS) $(BENCH_READ)
bench-scan: $(O)/proscribe $(O)/tests/bench/scan_tool
	$(Q)mkdir -p $(O)/bench-scan
	$(Q)tests/bench/scan.sh '$(abspath $(O))/bench-scan' '$(abspath $(O))/proscribe' \
		'$(abspath $(O))/tests/bench/scan_tool' $(BENCH_SCANS)
bench: all $(bench_files)
	@$(call bench_run,guest.sh $(bench_counts))
bench-full: all $(bench_files)
	@$(call bench_run,full.sh $(bench_counts))
	@$(MAKE) --no-print-directory bench-scale
bench-scale: all $(bench_files)
	@$(call bench_run,scale.sh)
	@$(call bench_run,scale.sh gap)
