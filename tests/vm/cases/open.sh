# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of reading listed content that the kernel does not execute; see batch.sh. The
# prefix deny_ is for those that run with `actions: {open: deny}`.

# package FILE
package() {
	mkdir -p tree/DEBIAN
	printf '%s\n' 'Package: lab-package' 'Version: 1' 'Architecture: all' \
		'Maintainer: nobody <nobody@example.org>' "Description: $mode $case" \
		>tree/DEBIAN/control
	dpkg-deb --build -Znone tree "$1" >/dev/null
}

case_open_package() {
	package "$p"
	judged open "$p" attempt open "$p"
}

deny_open_package_denied() {
	package "$p"
	judged open "$p" attempt open "$p"
}

# Kernels without file_post_open know the file some time after its first open.
deny_open_package_again() {
	package "$p"
	judged open "$p" act_open_again
}
act_open_again() {
	local n
	attempt open "$p" || return
	nap 0.4
	attempt open "$p" || return
	if [ "$mode" = observe ] || [ ! -e "$lists"/cases.csv ] ||
		[ "${kind[$case]}" = unlisted ]; then
		return
	fi
	for ((n = 0; n < 50; n++)); do
		nap 0.2
		attempt open "$p" || return
	done
}

# The answer to `sh FILE`: a script that is listed for any use.
deny_open_script_argument() {
	script "$p"
	format=any
	judged open "$p" act_open_again
}

deny_open_same_size() {
	package "$p"
	unlisted open "$p" act_open_again
}

# Where the first open goes ahead because nobody knows the file: what the record says of it
# is what the policy in force says, not what an older one did.
each_open_first_record() {
	local wanted=record found generation
	if [ "$mode" = observe ]; then wanted=would_deny; fi
	package "$p"
	cp "$p" "$dir/again.bin"
	list "$p"
	printf 'actions: {open: deny}\n' >"$config"
	reload
	generation=$(number generation "$(proscribe status --json)")
	echo "$(digest_of "$beacon") $case" >"$digests"
	log_mark
	try attempt open "$dir/again.bin"
	evidence "$digests"
	found=$(log_since | grep -F "$case/again.bin" | jq -c '[.proscribe.op,
		.proscribe.action, .proscribe.verdict, .proscribe.generation, .event.reason]' | tail -n 1)
	rm "$config"
	reload
	unlist "$p"
	text="$text; ${found:-no record}, in force: $generation"
	if [ "$status" != 0 ]; then
		result failed "$text"
	elif [ "$found" = "[\"open\",\"deny\",\"$wanted\",$generation,\"listed\"]" ]; then
		result recorded "$text"
	else
		result misrecorded "$text"
	fi
}

# The daemon learns of it only when another policy is in force: the record is still of the one
# under which the file was opened.
life_open_first_record_late() {
	local found generation
	package "$p"
	cp "$p" "$dir/again.bin"
	list "$p"
	printf 'actions: {open: deny}\n' >"$config"
	reload
	generation=$(number generation "$(proscribe status --json)")
	echo "$(digest_of "$beacon") $case" >"$digests"
	log_mark
	end_daemon KILL
	try attempt open "$dir/again.bin"
	printf 'actions: {open: allow}\n' >"$config"
	start_daemon --mode "$mode"
	evidence "$digests"
	found=$(log_since | grep -F "$case/again.bin" | jq -c '[.proscribe.op,
		.proscribe.action, .proscribe.verdict, .proscribe.generation, .event.reason]' | tail -n 1)
	rm "$config"
	reload
	unlist "$p"
	text="$text; ${found:-no record}, in force then: $generation"
	if [ "$status" != 0 ]; then
		result failed "$text"
	elif [ "$found" = "[\"open\",\"deny\",\"record\",$generation,\"listed\"]" ]; then
		result recorded "$text"
	else
		result misrecorded "$text"
	fi
}
