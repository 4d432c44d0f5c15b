#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench` in the guest: measures all columns in one boot, in turns, and prints a
# table and one line "json {...}". Lines that begin with # tell what goes on.
#   guest.sh [ROUNDS [SAMPLES]]
# Columns: bare (nothing attached), floor (the guard's hooks with programs that do
# nothing), and the guard with an empty list, with the example list (its sizes are those of
# large packages), and with a list of the sizes of this system's own programs, all of which
# are therefore digested once and then found in the cache.
set -eu
# shellcheck source=lib.sh
. /root/bench/lib.sh

rounds=${1:-4}
samples=${2:-30}

prepare
draw_million
for round in $(seq "$rounds"); do
	measure bare "$round"
	floor_on
	measure floor "$round"
	floor_off
	guard_on
	measure empty "$round"
	use_list $here/example-list.csv
	measure example "$round"
	measure_own_sizes "$round"
	if [ "$round" = "$rounds" ]; then
		use_list $million
		measure million "$round"
	fi
	guard_off
	tell "round $round of $rounds is done"
done
measure bare $((rounds + 1))
report "{\"cache_hits\": $hits, \"million_lists_size_of\": $(sizes_in_million)}"
