# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# Cases of the resolver: products of a vendor of the lab's own (a stand-in), which nothing but
# the catalog's indicators knows. No digest of them stands in any list; the profile alone
# refuses them. Each program runs before the catalog is there.

found=/var/lib/proscribe/found.csv
standin=/opt/lab-standin

# condition FACT MATCH VALUE: of a rule.
condition() {
	printf '      - {fact: %s, match: %s, value: "%s"}\n' "$1" "$2" "$3"
}

# indicator RULE CONDITION...: of lab/tool, with high confidence.
indicator() {
	local rule=$1
	shift
	cat <<-EOF
		  - rule: $rule
		    product: tool
		    role: program
		    confidence: ${confidence:-high}
		    source: the lab
		    label: A
		    all:
	EOF
	printf '%s\n' "$@"
}

# standin_catalog INDICATOR...: puts the vendor, its indicators and the profile into force.
standin_catalog() {
	mkdir -p "$vendor"
	cat >"$vendor"/products.yaml <<-EOF
		vendor: lab
		entity: lab
		products:
		  - product: tool
		    name: the lab's tool
		    source: the lab
		    label: A
	EOF
	printf '%s\n' 'vendor: lab' 'rules:' "$@" >"$vendor"/indicators.yaml
	lab_profile 2024-01-01T00:00:00Z
	printf 'profiles: [lab]\n%s\n' "${settings:-}" >"$config"
	reload
}

# standin_gone: as before the case; what was found is taken out as an administrator would.
standin_gone() {
	rm -rf "$standin" "$found"
	without_policy
}

# found_digest DIGEST: waits until the resolver has put it into force.
found_digest() {
	local n
	for ((n = 0; n < 150; n++)); do
		if grep -qsF "$1" "$found"; then
			# the file comes first, then the generation
			nap 0.3
			return 0
		fi
		nap 0.1
	done
	note "$case: not found: $(proscribe status --json | jq -c .data.resolver)"
	return 1
}

# not_found DIGEST: a run is over and did not put it into force.
not_found() {
	wait_run
	! grep -qsF "$1" "$found"
}

# wait_run: a run that began after this call is over.
wait_run() {
	local n before
	before=$(resolver_number runs)
	proscribe reload >/dev/null
	for ((n = 0; n < 150; n++)); do
		if [ "$(resolver_number runs)" -gt "$before" ]; then return; fi
		nap 0.2
	done
	note "$case: no run within 30 s"
}

# resolver_number NAME
resolver_number() {
	proscribe status --json | jq ".data.resolver.$1"
}

# standin_program FILE: a program that the catalog can recognise; runs now.
standin_program() {
	mkdir -p "${1%/*}"
	program "$1" "$case"
	digest=$(digest_of "$1")
	echo "$digest $case" >"$digests"
	try attempt exec "$1"
	[ "$status" = 0 ] && return
	result broken-control "before the catalog: status $status; $text"
	return 1
}

# refused FILE...: the outcome; all of them have to be refused and the log has to say so.
refused() {
	local file
	log_mark
	for file in "$@"; do
		try attempt exec "$file"
		[ "$status" = 1 ] || break
	done
	evidence "$digests"
	conclude exec missed
}

# place_rule: everything below the stand-in's directory.
place_rule() {
	indicator place "$(condition path under $standin)"
}

life_resolver_place() {
	standin_program $standin/bin/tool || return
	standin_catalog "$(place_rule)"
	found_digest "$digest" && refused $standin/bin/tool
	standin_gone
}

# The content is refused wherever it goes, the package gone.
life_resolver_copied_elsewhere() {
	standin_program $standin/bin/tool || return
	standin_catalog "$(place_rule)"
	found_digest "$digest"
	cp $standin/bin/tool "$dir/editor"
	mv $standin/bin/tool "$dir/moved"
	rm -r $standin
	wait_run
	refused "$dir/editor" "$dir/moved"
	standin_gone
}
