# SPDX-License-Identifier: Apache-2.0
#
# `make lint`: every tests/lint/check-*; `make format` mends what check-format finds.
# Included by the Makefile. LINT_ONLY="words links" runs only these.

LINT_ONLY ?=

lint: $(O)/bpf/guard.skel.h $(O)/bpf/probe.skel.h $(O)/tests/lint/defaults
	$(Q)PSC_LINT_OUT='$(abspath $(O))' tests/lint/run $(LINT_ONLY:%=tests/lint/check-%)

# Says whether the configuration that is shipped is the built-in one.
$(O)/tests/lint/%: tests/lint/%.c $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(CORE_LIB) \
		$(call pkg,--libs $(LIBS_core))

format:
	$(Q)tests/lint/format

.PHONY: lint format
