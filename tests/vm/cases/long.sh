# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What takes minutes, in enforce mode, on two processors: the prefix is long_.

storm_executions=100000
storm_seconds=2400

# storm_count COUNT COMMAND...: COUNT executions of listed content beside a writer, while
# COMMAND runs over and over. Tells the host the figures.
storm_count() {
	local storm count=$1
	shift
	program_static "$p"
	program_static "$dir/clean" clean
	program_static "$dir/dirty" dirty
	cp clean target
	list_case "$p"
	list "$dir/dirty"
	swaps=0 kills=0 ends=0 stops=0 round=0
	nice -n 10 attempt exec-storm-count "$count" $storm_seconds "$p" "$dir/clean" "$dir/target" \
		"$dir/clean" "$dir/dirty" 2>counts &
	storm=$!
	while kill -0 $storm 2>/dev/null; do "$@"; done
	status=0
	wait $storm || status=$?
	text="$(cat counts) swaps=$swaps kills=$kills ends=$ends stops=$stops"
	printf 'figures\t%s\t%s\n' "$case" "$text"
	case $status in
	0) result missed "$text" ;;
	1) result denied "$text" ;;
	*) result overblocked "$text" ;;
	esac
	unlist "$digest"
	unlist "$dir/dirty"
}

swap_lists() {
	cp "$dir/swapped" "$lists"/swapped.csv
	reload
	rm "$lists"/swapped.csv
	reload
	swaps=$((swaps + 2))
}

# A list of thousands comes and goes; the daemon is killed, ended, stopped.
long_storm_long() {
	local n
	echo "$header" >swapped
	for ((n = 0; n < 5000; n++)); do
		printf 'sha256,%08x%056d,%d,elf,swapped,,,\n' $((n * 858993)) "$n" "$padded"
	done >>swapped
	storm_count $storm_executions act_long_storm_long
}
act_long_storm_long() {
	round=$((round + 1))
	swap_lists
	case $((round % 3)) in
	0) restart_daemon KILL && kills=$((kills + 1)) ;;
	1)
		kill -STOP "$daemon"
		nap 0.5
		kill -CONT "$daemon"
		stops=$((stops + 1))
		;;
	2) restart_daemon TERM && ends=$((ends + 1)) ;;
	esac
}

# The counter has to see a gap when there is one.
long_storm_long_without_guard() {
	storm_count 4000 act_long_storm_long_without_guard
}
act_long_storm_long_without_guard() {
	if [ "$round" = 0 ]; then
		round=1
		guard_off
		nap 0.5
		start_daemon --mode "$mode"
	fi
	nap 0.2
}
