# SPDX-License-Identifier: Apache-2.0
# The attempts of tests/cases.tsv under real kernels, and the demonstration.
#
#   make check-lab            all cases, two boots on each of the three kernels
#   make check-lab-KERNEL     the same on one, in one boot: check-lab-6.1, -6.12, -new
#   make check-long           these and every other series; writes docs/results/check-long.md
#                             and docs/bypass.md (make results: only that)
#   make demo [KERNEL=6.12]   a short transcript of the guard at work

# lab.mk says which kernels there are; it may come after this file.
CASES_KERNELS := 6.1 6.12 new
cases_dir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
cases_bin := $(O)/tests/vm/bin
cases_out := $(abspath $(O))

# What the guest's audit log is held against docs/record.schema.json with, on this side.
cases_check := $(O)/tests/vm/record-check

cases_programs := $(cases_check) $(addprefix $(cases_bin)/,attempt payload payload-static libpayload.so \
	payload-needed payload-dlopen payload-loader payload-again payload-ia32 \
	payload-x32 rpmdb.sqlite)
# Boots side by side must not build the same programs each by itself.
cases_needs := $(cases_programs) $(PROGRAMS)
CASES_CFLAGS = -std=gnu11 -O2 -g0 -D_GNU_SOURCE -I. -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) \
	-Wno-missing-prototypes

$(cases_bin):
	@mkdir -p $@

$(cases_bin)/attempt: $(wildcard tests/vm/attempt*.c) tests/vm/attempt.h | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -static -pthread -o $@ $(filter %.c,$^)

$(addprefix $(cases_bin)/,payload payload-dlopen payload-again): $(cases_bin)/%: tests/vm/programs/%.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $<

# rpm's database with one package, whose program a case puts there.
$(cases_bin)/rpmdb.sqlite: tests/vm/programs/lab-rpm.spec | $(cases_bin)
	$(Q)rm -rf $@.d && mkdir -p $@.d && cp $< $@.d/ && cd $@.d && \
		rpmbuild --quiet -bb --define "_rpmdir $$PWD/out" --define "_topdir $$PWD/top" \
		lab-rpm.spec && rpm --dbpath "$$PWD/db" -i --justdb --nodeps out/noarch/*.rpm \
		2>db.log || { cat db.log >&2; exit 1; } && \
		cp db/rpmdb.sqlite '$(abspath $@)' && rm -rf '$(abspath $@).d'

# Names its own loader, which a case puts there.
$(cases_bin)/payload-loader: tests/vm/programs/payload.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $< -Wl,--dynamic-linker=/run/payload-loader

$(cases_bin)/payload-static: tests/vm/programs/payload-static.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -static -nostdlib -fno-stack-protector -o $@ $<

# Without any library, so that the compiler needs none for these architectures.
$(cases_bin)/payload-ia32: tests/vm/programs/payload-ia32.S | $(cases_bin)
	$(Q)$(CC) -m32 -static -nostdlib -o $@ $<

$(cases_bin)/payload-x32: tests/vm/programs/payload-x32.S | $(cases_bin)
	$(Q)$(CC) -mx32 -static -nostdlib -o $@ $<

$(cases_bin)/libpayload.so: tests/vm/programs/libpayload.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -shared -fPIC -Wl,-soname,libpayload.so -o $@ $<

$(cases_bin)/payload-needed: tests/vm/programs/payload-needed.c $(cases_bin)/libpayload.so
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $^ -Wl,-rpath,'$$ORIGIN'

$(cases_check): tests/vm/record-check.c tests/unit/schema.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $< $(call pkg,--libs jansson)

# Every run installs into a directory of its own: several may be under way.
define cases_run
	@mkdir -p '$(cases_out)/lab'; umask 022; \
	stage=$$(mktemp -d '$(cases_out)/lab/stage.XXXXXX') && trap 'rm -rf "$$stage"' EXIT && \
	trap 'exit 130' INT TERM HUP && chmod 755 "$$stage" && \
	$(MAKE) --no-print-directory -s install DESTDIR="$$stage" PREFIX=/usr >&2 && \
	PSC_LAB_OUT='$(cases_out)/lab' '$(cases_dir)/$(1)' -s "$$stage" -b '$(abspath $(cases_bin))' \
		-o '$(cases_out)'
endef

# CASES="exec-*": only these.
cases_only = $(if $(CASES),-k '$(CASES)')

$(CASES_KERNELS:%=check-lab-%): check-lab-%: $(cases_needs)
	$(call cases_run,cases-run) $(cases_only) $*

# Halves that may run at the same time: what is attempted with content, and the guard's life. In
# observe mode most of the first is attempted on one kernel alone, so that `make check` stays short;
# check-lab-smp-KERNEL, of check-long, has both modes on each.
CASES_PARTS := life content
CASES_OBSERVED := 6.12
cases_quick = $(if $(filter life-% $(CASES_OBSERVED:%=content-%),$1),,-q)
cases_part = $(foreach kernel,$(CASES_KERNELS),check-lab-$(1)-$(kernel))
$(foreach part,$(CASES_PARTS),$(call cases_part,$(part))): check-lab-%: $(cases_needs)
	$(call cases_run,cases-run) -p $(firstword $(subst -, ,$*)) $(call cases_quick,$*) $(cases_only) $(lastword $(subst -, ,$*))

check-lab: $(foreach part,$(CASES_PARTS),$(call cases_part,$(part)))

# With nothing listed every expected refusal has to fail: the cases can tell.
$(CASES_KERNELS:%=check-lab-self-%): check-lab-self-%: $(cases_needs)
	$(call cases_run,cases-run) -n $(cases_only) $*

# The races need a second CPU to be races.
$(CASES_KERNELS:%=check-lab-smp-%): check-lab-smp-%: $(cases_needs)
	$(call cases_run,cases-run) -c 2 $(cases_only) $*

# The daemon does without each optional capability of the kernel: the fallback may only
# refuse or record more.
$(CASES_KERNELS:%=check-lab-mask-%): check-lab-mask-%: $(cases_needs)
	$(call cases_run,cases-run) -m $(cases_only) $*

# With an IMA policy the kernel may answer with an old digest, or with another algorithm.
$(CASES_KERNELS:%=check-lab-ima-%): check-lab-ima-%: $(cases_needs)
	$(call cases_run,cases-run) -i $(cases_only) $*

$(cases_bin)/trixie/runc: | $(cases_bin)
	$(Q)'$(cases_dir)/fetch-runc' '$(@D)'

# What takes minutes.
$(CASES_KERNELS:%=check-lab-long-%): check-lab-long-%: $(cases_needs) $(cases_bin)/trixie/runc
	$(call cases_run,cases-run) -l -c 2 $(cases_only) $*

# A kernel whose LSM list lacks bpf.
$(CASES_KERNELS:%=check-lab-lsm-%): check-lab-lsm-%: $(cases_needs)
	$(call cases_run,cases-lsm) $*

# What a reboot does, and a hardware clock that is wrong.
$(CASES_KERNELS:%=check-lab-reboot-%): check-lab-reboot-%: $(cases_needs)
	$(call cases_run,cases-reboot) $*

# The service as it is shipped, under systemd.
$(cases_bin)/../systemd: tests/vm/fetch-systemd | $(cases_bin)
	$(Q)'$(cases_dir)/fetch-systemd' '$(abspath $@)'

$(CASES_KERNELS:%=check-lab-unit-%): check-lab-unit-%: $(cases_needs) $(cases_bin)/../systemd
	$(call cases_run,cases-unit) $*

# A machine that is killed while it writes its log.
$(CASES_KERNELS:%=check-lab-killed-%): check-lab-killed-%: $(cases_needs)
	$(call cases_run,cases-killed) $*

# Every series on every kernel, whatever fails; then what the documentation says of them.
check-long-boots: check-lab $(foreach kind,lsm reboot unit killed mask ima smp long,$(CASES_KERNELS:%=check-lab-$(kind)-%)) \
	$(firstword $(CASES_KERNELS:%=check-lab-self-%))

cases_results = $(foreach kernel,$(CASES_KERNELS),$(wildcard \
	$(foreach series,cases-content cases-life cases-smp cases-ima cases-long,$(O)/$(series)-$(kernel).tsv)))

check-long:
	$(Q)status=0; $(MAKE) --no-print-directory -k check-long-boots check-tools || status=$$?; \
	$(MAKE) --no-print-directory results && exit $$status

results:
	@mkdir -p docs/results
	$(Q)'$(cases_dir)/results' '$(O)' >'$(O)/check-long.md' && mv '$(O)/check-long.md' docs/results/
	$(Q)'$(cases_dir)/bypass-page' $(abspath $(cases_results)) >'$(O)/bypass.md' && \
		mv '$(O)/bypass.md' docs/

.PHONY: check-lab check-long check-long-boots results \
	$(foreach kind,- -content- -life- -self- -smp- -lsm- -reboot- -unit- -killed- -mask- -ima- -long-,$(CASES_KERNELS:%=check-lab$(kind)%))

# lab.mk has a default of its own for KERNEL, which is not meant here.
demo_kernel = $(if $(filter command environment,$(firstword $(origin KERNEL))),$(KERNEL),6.12)

demo-run: $(cases_needs)
	@mkdir -p '$(cases_out)/lab'; umask 022; \
	stage=$$(mktemp -d '$(cases_out)/lab/stage.XXXXXX') && trap 'rm -rf "$$stage"' EXIT && \
	trap 'exit 130' INT TERM HUP && chmod 755 "$$stage" && \
	$(MAKE) --no-print-directory -s install DESTDIR="$$stage" PREFIX=/usr >&2 && \
	PSC_LAB_OUT='$(cases_out)/lab' '$(cases_dir)/boot' -s "$$stage" \
		-b '$(abspath $(cases_bin))' $(demo_kernel) '$(cases_dir)/demo/demo.sh'

.PHONY: demo-run
