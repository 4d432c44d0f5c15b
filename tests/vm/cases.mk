# The attempts of tests/cases.tsv under real kernels, and the demonstration.
#
#   make check-lab            all cases, one boot on each of the three kernels
#   make check-lab-KERNEL     the same on one: check-lab-6.1, -6.12, -new
#   make demo [KERNEL=6.12]   a short transcript of the guard at work

# lab.mk says which kernels there are; it may come after this file.
CASES_KERNELS := 6.1 6.12 new
cases_dir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
cases_bin := $(O)/tests/vm/bin
cases_out := $(abspath $(O))

cases_programs := $(addprefix $(cases_bin)/,attempt payload payload-static libpayload.so \
	payload-needed payload-dlopen)
CASES_CFLAGS = -std=gnu11 -O2 -g0 -D_GNU_SOURCE -I. -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) \
	-Wno-missing-prototypes

$(cases_bin):
	@mkdir -p $@

$(cases_bin)/attempt: tests/vm/attempt.c tests/vm/attempt_long.c tests/vm/attempt.h | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -static -pthread -o $@ $(filter %.c,$^)

$(cases_bin)/payload $(cases_bin)/payload-dlopen: $(cases_bin)/%: tests/vm/programs/%.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $<

$(cases_bin)/payload-static: tests/vm/programs/payload-static.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -static -nostdlib -fno-stack-protector -o $@ $<

$(cases_bin)/libpayload.so: tests/vm/programs/libpayload.c | $(cases_bin)
	$(Q)$(CC) $(CASES_CFLAGS) -shared -fPIC -Wl,-soname,libpayload.so -o $@ $<

$(cases_bin)/payload-needed: tests/vm/programs/payload-needed.c $(cases_bin)/libpayload.so
	$(Q)$(CC) $(CASES_CFLAGS) -o $@ $^ -Wl,-rpath,'$$ORIGIN'

