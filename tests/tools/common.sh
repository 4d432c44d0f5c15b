# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What packages.sh and signatures.sh share; sourced by them, with PSC_TOOLS_OUT set: a directory
# that goes away, comparisons that are counted, the tools that must be there.

out=$PSC_TOOLS_OUT
self=$(basename -- "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/psc-$self-XXXXXX")
trap 'rm -rf -- "$work"' EXIT
failed=0
checks=0

check() { # NAME EXPECTED ACTUAL
	checks=$((checks + 1))
	[ "$2" = "$3" ] && return
	printf '%s: %s\n  expected: %s\n  found:    %s\n' "$self" "$1" "$2" "$3"
	failed=1
}

need() { # TOOL...
	local tool
	for tool; do
		command -v "$tool" >/dev/null || {
			echo "$self: $tool is missing: install what tests/tools/packages names" >&2
			exit 1
		}
	done
}

# What was compared; the status of it all.
finish() { # WHAT
	if [ "$failed" = 0 ]; then
		echo "ok    $self: $checks comparisons; $1"
	else
		echo "FAIL  $self: of $checks comparisons; $1"
	fi
	exit "$failed"
}
