# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by the checks of `make lint` (sourced, never run): goes to the root of the tree,
# lists files, collects complaints. A check prints file:line: why, and fails if it printed.

set -u
export LC_ALL=C.UTF-8
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 2

complaints=0

# TOOL...: the check cannot do without.
need() {
	local tool
	for tool in "$@"; do
		if ! command -v "$tool" >/dev/null; then
			echo "$0: needs $tool (.ci/install-packages)"
			exit 1
		fi
	done
}

# FILE LINE WORDS...: one violation.
complain() {
	local file=$1 line=$2
	shift 2
	printf '%s:%s: %s\n' "$file" "$line" "$*"
	complaints=$((complaints + 1))
}

# Complaints that other programs printed to stdin, one a line, unchanged.
complain_lines() {
	local line
	while IFS= read -r line; do
		printf '%s\n' "$line"
		complaints=$((complaints + 1))
	done
}

finish() {
	test "$complaints" -eq 0
	exit
}

# Files of the tree as it would be committed, or as it was unpacked. Arguments are
# extended regular expressions on the path; without any, every file.
tree_files() {
	local list pattern expression=''
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
		[ "$(git rev-parse --show-prefix)" = '' ]; then
		list=$(git ls-files -co --exclude-standard)
	else
		list=$(find . \( -path ./.git -o -path ./build \) -prune -o -type f -print |
			sed 's|^\./||')
	fi
	for pattern in "$@"; do
		expression="$expression${expression:+|}$pattern"
	done
	printf '%s\n' "$list" | grep -E -- "${expression:-.}" | LC_ALL=C sort -u |
		while IFS= read -r file; do
			# deleted, but git does not know it yet
			[ -f "$file" ] && printf '%s\n' "$file"
		done
}

c_files() {
	tree_files '\.[ch]$'
}

# Shell scripts: by their first line, or said to be sourced.
shell_files() {
	local file
	tree_files | grep -v '^tests/fuzz/corpus/' | while IFS= read -r file; do
		if LC_ALL=C head -n 2 -- "$file" | tr -d '\0' |
			LC_ALL=C grep -Eq '^#!.*[/ ](ba|da)?sh( |$)|^# shellcheck shell='; then
			printf '%s\n' "$file"
		fi
	done
}

# Seeds of fuzzers and the like: bytes, not text that somebody reads.
not_data() {
	grep -Ev '^tests/fuzz/corpus/|^LICENSES/|^LICENSE$'
}

# FILE...: C without comments and without what strings and character constants hold,
# as FILE:LINE:TEXT. Line numbers stay.
bare_c() {
	awk '
	FNR == 1 { block = 0 }
	{
		out = ""
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			two = substr($0, i, 2)
			if (block) {
				if (two == "*/") { block = 0; i++ }
			} else if (two == "/*") {
				block = 1; i++; out = out " "
			} else if (two == "//") {
				break
			} else if (c == "\"" || c == "\047") {
				for (i++; i <= length($0) && substr($0, i, 1) != c; i++)
					if (substr($0, i, 1) == "\\") i++
				out = out c c
			} else
				out = out c
		}
		print FILENAME ":" FNR ":" out
	}' "$@"
}

# PREFIX: the enumerators of bpf/abi.h that begin with it, but for _MAX, one a line.
enumerators() {
	sed -n "s/^[[:space:]]*\\(PSC_$1_[A-Z0-9_]*\\) *=.*/\\1/p" bpf/abi.h | grep -v '_MAX$'
}

# The names in one table of user/core/names.c ("op_names", ...), one a line.
names_of() {
	awk -v table="$1" '
		$0 ~ "^static const char \\*const " table "\\[" { inside = 1; next }
		/^};/ { inside = 0 }
		inside {
			line = $0
			while (match(line, /"[^"]*"/)) {
				print substr(line, RSTART + 1, RLENGTH - 2)
				line = substr(line, RSTART + RLENGTH)
			}
		}' user/core/names.c
}
