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
	printf '%sprofiles: [lab]\nresolver: {enabled: true, stop: true%s}\n' "${head:-}" "${settings:-}" >"$config"
	reload
}

# standin_gone: as before the case; what was found is taken out as an administrator would.
standin_gone() {
	rm -rf "$standin" "$found"
	# dpkg takes it along with the last package below it
	mkdir -p /opt
	without_policy
}

# found_digest DIGEST: waits until the resolver has put it into force.
found_digest() {
	local n
	for ((n = 0; n < 150; n++)); do
		if grep -qsF "$1" "$found"; then
			# the file comes first, then the generation; the daemon answers after both
			proscribe status >/dev/null
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

# resolver_number NAME: or a group of them. By the shell: jq takes longer than all else.
resolver_number() {
	local status
	status=$(proscribe status --json)
	[[ ${status#*'"resolver":'} =~ \"$1\":\ ?([0-9]+|\{[^}]*\}) ]]
	echo "${BASH_REMATCH[1]//[[:space:]]/}"
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

# refused_files FILE...: the outcome; all of them have to be refused and the log has to say so.
refused_files() {
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
	found_digest "$digest" && refused_files $standin/bin/tool
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
	refused_files "$dir/editor" "$dir/moved"
	standin_gone
}

# By the package database alone: a stand-in package, whose place no rule names.
life_resolver_package() {
	local root=$dir/package
	standin_program "$root$standin/bin/tool" || return
	mkdir -p "$root/DEBIAN"
	printf '%s\n' 'Package: lab-standin' 'Version: 1.2' 'Architecture: amd64' \
		'Maintainer: the lab <lab@example.org>' 'Description: a stand-in' >"$root/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$root" "$dir/standin.deb" >/dev/null
	standin_catalog "$(indicator package "$(condition package_name exact lab-standin)")"
	wait_run
	not_found "$digest" || note "$case: found before the package was installed"
	dpkg -i "$dir/standin.deb" >"$dir/dpkg.out" 2>&1 || note "$case: $(tail -n 2 "$dir/dpkg.out")"
	found_digest "$digest" && refused_files $standin/bin/tool "$root$standin/bin/tool"
	grep -q ',1.2,' "$found" || note "$case: the version is not in $found"
	dpkg --purge lab-standin >/dev/null 2>&1
	standin_gone
}

# The listed place is a link to a directory whose name has a version in it.
life_resolver_symlink_root() {
	local real=/var/opt/lab/install_1.2.3
	standin_program $real/bin/tool || return
	mkdir -p $standin
	ln -s $real $standin/current
	standin_catalog "$(place_rule)"
	found_digest "$digest" && refused_files $real/bin/tool $standin/current/bin/tool
	rm -rf /var/opt/lab
	standin_gone
}

# A copy in a container's root, which is an overlay of its own.
life_resolver_in_container() {
	mkdir -p $standin
	program_static $standin/tool "$case"
	container $standin/tool
	digest=$(digest_of $standin/tool)
	echo "$digest $case" >"$digests"
	try act_exec_runc
	[ "$status" = 0 ] || { result broken-control "$text" && return; }
	standin_catalog "$(place_rule)"
	found_digest "$digest"
	log_mark
	try act_exec_runc
	evidence "$digests"
	conclude exec missed
	umount merged
	standin_gone
}

# Written after the start: known a moment after its writer closed it. The copy was never in
# the listed place.
life_resolver_new_file_closed() {
	standin_program "$dir/source" || return
	mkdir -p $standin
	standin_catalog "$(place_rule)"
	wait_run
	cp "$dir/source" $standin/tool
	found_digest "$digest" && refused_files $standin/tool "$dir/source"
	note "$case: latency $(resolver_number latency)"
	standin_gone
}

# Moved into the listed place, as package managers do.
life_resolver_moved_in() {
	standin_program "$dir/source" || return
	cp "$dir/source" /opt/lab-elsewhere
	mkdir -p $standin
	standin_catalog "$(place_rule)"
	wait_run
	mv /opt/lab-elsewhere $standin/tool
	found_digest "$digest" && refused_files $standin/tool
	standin_gone
}

# runs PID: what has ended has no executable any more, also while nobody has waited for it.
runs() {
	[ -e "/proc/$1/exe" ]
}

# has_ended PID: within a minute; the machine may be busy with other things.
has_ended() {
	local n
	for ((n = 0; n < 300; n++)); do
		runs "$1" || return 0
		nap 0.2
	done
	return 1
}

# late_record PART: waits until the log has a late record with that in it; they are in text.
late_record() {
	local n
	for ((n = 0; n < 150; n++)); do
		text=$(log_since | grep -F '"type":"late"')
		[[ $text == *"$1"* ]] && return
		nap 0.2
	done
	return 1
}

# Runs before it is found: ended, and the log says so.
life_resolver_late_running() {
	local pid
	mkdir -p $standin
	cp /bin/busybox $standin/sleep
	printf '%s' "$case" >>$standin/sleep
	digest=$(digest_of $standin/sleep)
	$standin/sleep 1000 &
	pid=$!
	disown $pid
	nap 0.5
	runs $pid || { result broken-control "it does not run" && return; }
	log_mark
	standin_catalog "$(place_rule)"
	if ! has_ended $pid; then
		result missed "it still runs; $(resolver_number late)"
		note "$case: $(proscribe status --json | jq -c .data.resolver)"
		note "$case: $(log_since | grep -oE '"(type|outcome)":"[^"]*"' | tr '\n' ' ')"
		kill -9 $pid
	else
		if late_record '"outcome":"ended"' && [[ $text == *lab/tool* ]]; then
			result denied "${text:0:200}"
		else
			result unlogged "$text"
		fi
	fi
	standin_gone
}

# Found and in force before the phase in which it is refused: ended when that begins.
life_resolver_late_phase() {
	local pid begins
	mkdir -p $standin
	cp /bin/busybox $standin/sleep
	printf '%s' "$case" >>$standin/sleep
	digest=$(digest_of $standin/sleep)
	$standin/sleep 1000 &
	pid=$!
	disown $pid
	standin_catalog "$(place_rule)"
	lab_profile 2035-01-01T00:00:00Z
	reload
	found_digest "$digest"
	begins=$((EPOCHSECONDS + 10))
	lab_profile "$(instant_at "$begins")"
	log_mark
	reload
	while runs $pid && [ "$EPOCHSECONDS" -lt $((begins - 4)) ]; do nap 0.2; done
	if ! runs $pid && [ "$EPOCHSECONDS" -lt "$begins" ]; then
		result overblocked "it was ended before the phase"
	elif ! has_ended $pid; then
		result missed "it still runs"
		kill -9 $pid
	else
		if late_record '"outcome":"ended"'; then
			result denied
		else
			result unlogged "$text"
		fi
	fi
	standin_gone
}

# What a program of the host's has loaded is recorded and no reason to end it.
life_resolver_late_library() {
	local pid
	mkdir -p $standin
	library $standin/standin.so "$case"
	digest=$(digest_of $standin/standin.so)
	LD_PRELOAD=$standin/standin.so sleep 1000 &
	pid=$!
	disown $pid
	nap 1
	log_mark
	standin_catalog "$(place_rule)"
	late_record standin.so
	nap 1
	if ! runs $pid; then
		result overblocked "the program is gone: $text"
	elif [[ $text != *'a library alone'* || $text != *standin.so* ]]; then
		result unlogged "$text"
	else
		result recorded "${text:0:200}"
		kill -9 $pid
	fi
	standin_gone
}

nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'

# Somebody without rights gives a program of the site's the place of a listed product: by a mount
# in a name space of their own, and by a copy into a directory that all may write. Neither may
# have the program listed.
life_resolver_claimed_place() {
	local tool=/usr/local/bin/lab-site/sleep pid n
	mkdir -p ${tool%/*} $standin
	cp /bin/busybox $tool
	printf '%s' "$case" >>$tool
	digest=$(digest_of $tool)
	$nobody unshare -rm sh -c "mount --bind ${tool%/*} $standin && exec $standin/sleep 1000" \
		2>"$dir/unshare.err" &
	pid=$!
	disown $pid
	for ((n = 0; n < 50; n++)); do
		[[ $(readlink /proc/$pid/exe) == "$standin"/sleep ]] && break
		nap 0.1
	done
	text=$(readlink /proc/$pid/exe)
	[[ $text == "$standin"/sleep ]] ||
		note "$case: no mount of its own: $text; $(cat "$dir/unshare.err")"
	chmod 1777 $standin
	log_mark
	standin_catalog "$(place_rule)"
	wait_run
	$nobody cp $tool $standin/copied
	wait_run
	nap 1
	text=$(log_since | grep -F '"type":"found_held"')
	if grep -qsF "$digest" "$found"; then
		result overblocked "listed: $(grep -F "$digest" "$found")"
	elif ! $tool 0; then
		result overblocked "the site's program is refused"
	elif [[ $text != *'"reason":"place"'* || $text != *$standin/copied* ]]; then
		result unlogged "$text"
	else
		result recorded "${text:0:200}"
	fi
	kill -9 $pid
	rm -rf ${tool%/*}
	standin_gone
}

# Listed without a size and as something that is opened: the kernel never looks. What is found on
# the host has a size.
life_resolver_sizeless() {
	standin_program $standin/bin/tool || return
	# of a size that nothing else here has
	printf '%s' "$case" >>$standin/bin/tool
	digest=$(digest_of $standin/bin/tool)
	echo "$digest $case" >"$digests"
	printf '%s\n' algo,digest,size,format,name,product,version,source \
		"sha256,$digest,,deb,,lab/tool,,the lab" >"$lists"/sizeless.csv
	reload
	try attempt exec $standin/bin/tool
	[ "$status" = 0 ] || note "$case: refused without a size: $text"
	standin_catalog "$(place_rule)"
	found_digest "$digest" && refused_files $standin/bin/tool
	rm "$lists"/sizeless.csv
	standin_gone
}

# A link in the vendor's directory that leads to the shell must never list the shell; neither
# must a copy of a library of the distribution's. What is the vendor's own beside them is.
life_resolver_essential_symlink() {
	standin_program $standin/bin/tool || return
	ln -s /bin/sh $standin/bin/sh
	cp -L /lib/x86_64-linux-gnu/libc.so.6 $standin/bin/libcopy.so.6
	cp /usr/bin/jq $standin/bin/query
	log_mark
	# a marked place refuses whatever lies there
	settings=', places: false'
	standin_catalog "$(place_rule)"
	settings=
	found_digest "$digest"
	wait_run
	text=$(log_since | grep -F '"type":"found_held"')
	if grep -qE 'libcopy|/bin/(da)?sh|query' "$found"; then
		result overblocked "$(cut -d, -f5 "$found" | tr '\n' ' ')"
	elif ! /bin/sh -c true || ! $standin/bin/query -n 1 >/dev/null; then
		result overblocked "the shell or the copy is refused"
	elif [[ $text != *'"reason":"link"'* || $text != *'"reason":"distribution"'* ]]; then
		result unlogged "$text"
	else
		refused_files $standin/bin/tool
	fi
	standin_gone
}

# Less confidence than asked for: recorded, not refused.
life_resolver_confidence() {
	standin_program $standin/bin/tool || return
	log_mark
	confidence=medium
	standin_catalog "$(place_rule)"
	confidence=
	wait_run
	try attempt exec $standin/bin/tool
	text=$(log_since | grep -F '"type":"found_held"')
	case $status,$text in
	0,*'"reason":"confidence"'*) result recorded ;;
	0,*) result missed "$text" ;;
	*) result overblocked "$text" ;;
	esac
	settings=', confidence: medium'
	standin_catalog "$(confidence=medium place_rule)"
	settings=
	found_digest "$digest" || note "$case: medium does not suffice when it is asked for"
	standin_gone
}

# From close to the verdict in force: files one after the other. How long it took is for the
# notes; here it may take as long as a busy machine needs.
life_resolver_latency() {
	latency_of 10
}
long_resolver_latency_long() {
	latency_of 40
}
latency_of() {
	local n missing=0 page
	mkdir -p $standin
	standin_catalog "$(place_rule)"
	wait_run
	for ((n = 0; n < $1; n++)); do
		program $standin/tool-$n "$n"
		nap 1.1
	done
	for ((n = 0; n < 150; n++)); do
		[ "$(grep -cs ^sha256 "$found")" -lt "$1" ] || break
		nap 0.2
	done
	log_mark
	for ((n = 0; n < $1; n++)); do
		attempt exec $standin/tool-$n >/dev/null 2>&1 && missing=$((missing + 1))
	done
	text=$(resolver_number latency)
	note "$case: $text"
	page=$(proscribe status)
	if [ "$missing" != 0 ]; then
		result missed "$missing of $1: $text"
	elif [[ ! $text =~ \"p50_ms\":[0-9.]*[1-9].*\"p99_ms\":[0-9.]*[1-9] ]] ||
		[[ ! $page =~ 'in force after '[0-9]+' ms (p50), '[0-9]+' ms (p99)' ]]; then
		result unreported "$text"
	else
		result denied "$text"
	fi
	standin_gone
}

# Nothing but its content tells: the marker stands in the program.
life_resolver_marker() {
	standin_program "$dir/source" || return
	standin_catalog "$(indicator marker "$(condition format exact elf)" \
		"$(condition marker exact 'payload ran')")"
	wait_run
	cp "$dir/source" /opt/lab-anywhere
	found_digest "$digest" && refused_files /opt/lab-anywhere "$dir/source"
	rm -f /opt/lab-anywhere
	standin_gone
}

# What reads hostile files crashes over one: that file is unverified, and the next one of a
# listed place is guarded as if nothing had happened.
life_resolver_worker_crash() {
	local worker=/usr/libexec/proscribe/proscribe-identify n
	standin_program "$dir/source" || return
	mkdir -p $standin
	mv $worker "$dir/worker"
	printf '#!/bin/busybox sh\nkill -SEGV $$\n' >$worker
	chmod 755 $worker
	standin_catalog "$(place_rule)"
	wait_run
	log_mark
	cp "$dir/source" /opt/lab-anywhere
	for ((n = 0; n < 100; n++)); do
		text=$(log_since | grep -F '"type":"found_unverified"')
		if [ "$text" ]; then break; fi
		nap 0.2
	done
	note "$case: ${text##*\"reason\":}"
	# what dies before it has read a file could not be started
	if [[ $text != *'"reason":"crashed"'* && $text != *'"reason":"unavailable"'* ]]; then
		result unlogged "$text"
	else
		cp "$dir/source" $standin/tool
		found_digest "$digest" && refused_files $standin/tool
	fi
	mv "$dir/worker" $worker
	rm -f /opt/lab-anywhere
	standin_gone
}

# The shipped catalog and the shipped profile: CyberTrace is exempt, what lies beside it is not.
life_resolver_exempt() {
	local vendor_place=/opt/kaspersky
	standin_program $vendor_place/standin/bin/tool || return
	mkdir -p $vendor_place/ktfs/bin
	program $vendor_place/ktfs/bin/standin "$case exempt"
	printf '%s\n' 'profiles: [us-commerce-icts-2021-002]' 'resolver: {enabled: true}' >"$config"
	log_mark
	reload
	found_digest "$digest"
	wait_run
	try attempt exec $vendor_place/ktfs/bin/standin
	if [ "$status" != 0 ]; then
		result overblocked "the exempt product is refused: $text"
	elif ! log_since | grep -F '"reason":"exempt"' | grep -qF ktfs; then
		result unlogged "nothing says that it is exempt"
	else
		refused_files $vendor_place/standin/bin/tool
	fi
	rm -rf $vendor_place
	standin_gone
}

# A covered product's content in the place of the exempt one is what it is.
life_resolver_exempt_engine() {
	local vendor_place=/opt/kaspersky rules=/etc/proscribe/catalog.d/kaspersky
	standin_program $vendor_place/ktfs/bin/engine || return
	mkdir -p $rules
	{
		printf '%s\n' 'vendor: kaspersky' 'rules:'
		indicator lab-engine "$(condition format exact elf)" \
			"$(condition marker exact 'payload ran')" | sed 's/product: tool/product: kesl/'
	} >$rules/indicators.yaml
	printf '%s\n' 'profiles: [us-commerce-icts-2021-002]' 'resolver: {enabled: true}' >"$config"
	reload
	found_digest "$digest" && refused_files $vendor_place/ktfs/bin/engine
	rm -rf $vendor_place $rules
	standin_gone
}
