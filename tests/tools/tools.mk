# SPDX-License-Identifier: Apache-2.0
#
# Other people's formats and programs; included by the Makefile.
#   make check-interchange    the commands of docs/interchange.md; part of check
#   make check-tools          what proscribe prints and finds against what the tools people already
#                             have make of it. Needs packages of its own and the Debian archive,
#                             so it is part of check-long only. TOOLS_ONLY="signatures": only these

TOOLS_ONLY ?= $(filter-out common,$(patsubst tests/tools/%.sh,%,$(wildcard tests/tools/*.sh)))

$(O)/tests/tools/%: tests/tools/%.c $(CORE_LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(CORE_LIB) \
		$(call pkg,--libs $(LIBS_core))

check-interchange: $(O)/proscribe
	$(Q)tests/tools/interchange $(O)/proscribe

check-tools: all $(addprefix $(O)/tests/tools/,facts journald metrics story)
	$(Q).ci/install-packages tests/tools/packages
	$(Q)failed=0; for one in $(TOOLS_ONLY); do \
		result=ok; PSC_TOOLS_OUT='$(abspath $(O))/tests/tools' \
			tests/tools/$$one.sh '$(abspath $(O))/proscribe' || result=FAIL; \
		[ $$result = ok ] || failed=1; \
		printf '%s\t%s\t%s\n' $$one $$result "$$(date -u +%F)" \
			>'$(O)'/tests/tools/$$one.result; \
	done; exit $$failed

.PHONY: check-interchange check-tools
