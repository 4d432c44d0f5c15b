# SPDX-License-Identifier: Apache-2.0
#
# Other people's formats and programs; included by the Makefile.
#   make check-interchange    the commands of docs/interchange.md; part of check
#   make check-tools          real tools read what `list export` prints; installs them, so it is
#                             part of check-long only

check-interchange: $(O)/proscribe
	$(Q)tests/tools/interchange $(O)/proscribe

check-tools: $(O)/proscribe
	$(Q).ci/install-packages tests/tools/packages
	$(Q)tests/tools/exports $(O)/proscribe

.PHONY: check-interchange check-tools
