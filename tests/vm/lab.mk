# SPDX-License-Identifier: Apache-2.0
# The kernel lab: run a script as root under a stock Debian kernel in a throw-away
# virtual machine, with the built programs installed. See tests/vm/README.md.
#
#   make lab KERNEL=6.1|6.12|new RUN=script.sh [ARGS="..."] [ICOUNT=1] [SMP=2]
#            [APPEND="kernel arguments"] [TIMEOUT=seconds] [MEM=MiB] [FILES="..."]

KERNEL ?= 6.1
LAB_KERNELS := 6.1 6.12 new
lab_dir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
lab_out := $(abspath $(O))/lab
lab_bin := $(abspath $(O))/tests/vm/bin

lab_boot = PSC_LAB_OUT='$(lab_out)' '$(lab_dir)/boot' -s "$$stage" \
	$(if $(wildcard $(lab_bin)),-b '$(lab_bin)') \
	$(if $(filter 1,$(ICOUNT)),-i) $(if $(SMP),-c '$(SMP)') $(if $(MEM),-m '$(MEM)') \
	$(if $(TIMEOUT),-t '$(TIMEOUT)') $(if $(APPEND),-a '$(APPEND)') \
	$(foreach file,$(FILES),-f '$(file)') '$(KERNEL)' '$(RUN)' $(ARGS)

.PHONY: lab lab-images
# stdout is the script's alone, so whatever install says goes to stderr. Every boot
# installs into a directory of its own: several may run at once.
lab:
	@test -n '$(RUN)' || { echo 'usage: make lab KERNEL=6.1|6.12|new RUN=script.sh' >&2; exit 2; }
	@mkdir -p '$(lab_out)'; umask 022; \
	stage=$$(mktemp -d '$(lab_out)/stage.XXXXXX') && trap 'rm -rf "$$stage"' EXIT && \
	trap 'exit 130' INT TERM HUP && \
	chmod 755 "$$stage" && \
	$(MAKE) --no-print-directory -s install DESTDIR="$$stage" PREFIX=/usr >&2 && \
	$(lab_boot)

# Everything a boot needs from the network, made ahead.
lab-images:
	@for kernel in $(LAB_KERNELS); do PSC_LAB_OUT='$(lab_out)' '$(lab_dir)/fetch-kernel' "$$kernel" || exit; done
	@PSC_LAB_OUT='$(lab_out)' '$(lab_dir)/make-root'
