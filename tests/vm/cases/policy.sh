# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# Cases of policy in time: a profile of the lab's own, whose phases begin while the case runs.
# The program is in a catalog, so that the profile alone decides about it.

profiles=/etc/proscribe/profiles.d
objects=/etc/proscribe/objects.d
vendor=/etc/proscribe/catalog.d/lab
state=/var/lib/proscribe

# instant SECONDS: that many from now, as the guard's time is the wall clock's.
instant() {
	date -u -d "@$((EPOCHSECONDS + $1))" +%Y-%m-%dT%H:%M:%SZ
}

# instant_at SECOND
instant_at() {
	date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}

# lab_profile INSTANT [EXTRA]: a profile that refuses lab/tool from then on.
lab_profile() {
	cat >"$profiles"/lab.yaml <<-EOF
		profile: lab
		title: a profile of the lab
		authority: the lab
		summary: It refuses one product from an instant on.
		source: the lab
		label: A
		updated: 2024-01-01
		entities: [lab]
		phases:
		  - phase: begin
		    title: it begins
		    from: $1
		    source: the lab
		    label: A
		clauses:
		  - clause: lab-clause
		    phase: begin
		    text: The product is not used.
		    source: the lab
		    label: A
		rules:
		  - rule: run
		    clause: lab-clause
		    basis: order
		    roles: all
		    status: [covered_new]
		    operations: [exec, load]
		    action: deny
	EOF
}

# lab_catalog FILE ROLE: FILE's content is that of lab/tool.
lab_catalog() {
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
	digest=$(digest_of "$1")
	printf '%s\nsha256,%s,%s,elf,tool,lab/tool/%s,1,lab\n' \
		algo,digest,size,format,name,product,version,source \
		"$digest" "$(stat -c %s "$1")" "$2" >"$vendor"/tool.csv
	echo "$digest $case" >"$digests"
}

# under_policy INSTANT [ROLE]: puts profile, catalog and a program into force.
under_policy() {
	program "$p"
	lab_profile "$1"
	lab_catalog "$p" "${2:-program}"
	printf 'profiles: [lab]\n' >"$config"
	reload
}

# without_policy: as before the case.
without_policy() {
	rm -rf "$profiles"/lab.yaml "$vendor" "$config" "$objects"/*.yaml
	reload
}

# not_before COMMAND...: the control; runs COMMAND and says if that fails.
control_runs() {
	try attempt exec "$p"
	[ "$status" = 0 ] && return
	result broken-control "before the change: status $status; $text"
	return 1
}

wait_until() {
	while [ "$EPOCHSECONDS" -le "$1" ]; do nap 0.2; done
}

# refused_after SECOND: the outcome of an execution once that second is over, with the
# daemon as it is; then the daemon comes back, and its record has to name profile and clause.
refused_after() {
	local record
	wait_until "$1"
	log_mark
	try attempt exec "$p"
	kill -CONT "$daemon" 2>/dev/null || start_daemon --mode "$mode"
	log_barrier
	record=$(log_since | grep -F "\"sha256\":\"$digest\"" | tail -n 1)
	if [ "$status" != 1 ]; then
		result missed "status $status: $text"
	elif [[ $record == *'"profiles":["lab"],"clauses":["lab-clause"],"basis":"order"'* ]]; then
		result denied "${record:0:200}"
	else
		result unexplained "$record"
	fi
}

# crossing COMMAND...: COMMAND does something to the daemon before the phase begins.
crossing() {
	local begins
	under_policy 2035-01-01T00:00:00Z
	begins=$((EPOCHSECONDS + 6))
	lab_profile "$(instant_at "$begins")"
	reload
	if control_runs; then
		"$@"
		refused_after "$begins"
	fi
	without_policy
}

life_policy_phase_daemon_stopped() {
	crossing kill -STOP "$daemon"
}

life_policy_phase_daemon_dead() {
	crossing end_daemon KILL
}

# The instant itself is inside the phase: what begins at a whole second is refused from its
# first nanosecond on, and not before.
life_policy_phase_to_the_second() {
	local begins early=0 late=0 before after
	under_policy 2035-01-01T00:00:00Z
	begins=$((EPOCHSECONDS + 5))
	lab_profile "$(instant_at "$begins")"
	reload
	while [ "$EPOCHSECONDS" -le $((begins + 1)) ]; do
		before=$EPOCHREALTIME
		attempt exec "$p" >/dev/null 2>&1
		status=$?
		after=$EPOCHREALTIME
		if [ "$status" = 1 ] && [ "${after%.*}" -lt "$begins" ]; then early=$((early + 1)); fi
		if [ "$status" = 0 ] && [ "${before%.*}" -ge "$begins" ]; then late=$((late + 1)); fi
	done
	if [ "$early$late" = 00 ] && [ "$status" = 1 ]; then
		result denied
	else
		result off-by "$early refusals before the instant, $late executions after it"
	fi
	without_policy
}

life_policy_exemption_expires() {
	local ends
	under_policy 2024-06-01T00:00:00Z
	try attempt exec "$p"
	if [ "$status" != 1 ]; then
		result broken-control "not refused without the exemption: $text"
	else
		ends=$((EPOCHSECONDS + 6))
		try proscribe exempt lab/tool --by lab --reason test --until "$(instant_at "$ends")"
		if control_runs; then
			kill -STOP "$daemon"
			refused_after "$ends"
		fi
	fi
	without_policy
}

life_policy_window_closes() {
	local ends
	under_policy 2024-06-01T00:00:00Z uninstaller
	try attempt exec "$p"
	if [ "$status" != 1 ]; then
		result broken-control "not refused before the window: $text"
	else
		ends=$((EPOCHSECONDS + 6))
		try proscribe window open --for 6s --by lab --reason test
		if control_runs; then
			end_daemon KILL
			refused_after "$ends"
		fi
	fi
	without_policy
}

# set_clock ARGUMENT...: date's; the daemon gets time to see it.
set_clock() {
	date -u "$@" >/dev/null
	nap 0.5
}

# The clock goes back to before the phase.
life_policy_clock_set_back() {
	local now said
	under_policy "$(instant -60)"
	now=$EPOCHSECONDS
	# The lab's clock is not synchronised: somebody has to say that it is right.
	proscribe clock accept >/dev/null
	try attempt exec "$p"
	if [ "$status" != 1 ]; then
		result broken-control "not refused: $text"
	else
		log_mark
		set_clock -s "@$((now - 86400))"
		try attempt exec "$p"
		said=$(log_since)
		if [ "$status" != 1 ]; then
			result missed "a clock that was set back ended the phase"
		elif [[ $said != *'"change":"set_back"'* || $said != *'"type":"clock_set"'* ]]; then
			result unrecorded "$said"
		else
			result denied
		fi
		set_clock -s "@$((now + 1))"
	fi
	without_policy
}

# The machine sleeps over the instant.
life_policy_phase_suspended() {
	local begins
	under_policy 2035-01-01T00:00:00Z
	begins=$((EPOCHSECONDS + 12))
	lab_profile "$(instant_at "$begins")"
	reload
	if control_runs; then
		kill -STOP "$daemon"
		if [ "$EPOCHSECONDS" -ge $((begins - 2)) ]; then
			result untried "the instant was there before the sleep"
			kill -CONT "$daemon"
		elif ! rtcwake -m mem -s $((begins + 3 - EPOCHSECONDS)) >slept 2>&1; then
			result untried "$(cat slept)"
			kill -CONT "$daemon"
		else
			refused_after "$begins"
		fi
	fi
	without_policy
}

# A time service steps the clock over the instant, as it does when it has just found out.
life_policy_clock_stepped() {
	local begins
	under_policy 2035-01-01T00:00:00Z
	begins=$((EPOCHSECONDS + 1800))
	lab_profile "$(instant_at "$begins")"
	reload
	if control_runs; then
		kill -STOP "$daemon"
		try attempt clock-step 3600
		refused_after "$begins"
		attempt clock-step -3600
		proscribe clock accept >/dev/null
	fi
	without_policy
}

# A time service tells the kernel of the leap seconds. The guard is ahead until the daemon looks
# again, a few seconds later; then nothing begins too soon.
life_policy_clock_tai() {
	local begins n
	under_policy 2035-01-01T00:00:00Z
	begins=$((EPOCHSECONDS + 20))
	lab_profile "$(instant_at "$begins")"
	reload
	log_mark
	if control_runs; then
		try attempt clock-tai 37
		for ((n = 0; n < 50; n++)); do
			if log_since | grep -qF '"change":"tai_offset"'; then break; fi
			nap 0.2
		done
		if [ "$EPOCHSECONDS" -ge "$begins" ]; then
			result unrecorded "$(log_since)"
		elif control_runs; then
			kill -STOP "$daemon"
			refused_after "$begins"
		fi
		attempt clock-tai 0
	fi
	without_policy
}

# fresh_daemon: the guard off, nothing kept of the time, a daemon that starts anew.
fresh_daemon() {
	guard_off
	rm -rf "$state"
	[ $# = 0 ] || date -u -s "$1" >/dev/null
	start_daemon --mode "$mode"
}

# A broken hardware clock says 2040 at boot, the phase begins in 2035.
life_policy_clock_2040() {
	local now=$EPOCHSECONDS said
	under_policy 2035-01-01T00:00:00Z
	if control_runs; then
		log_mark
		fresh_daemon 2040-01-01T00:00:00Z
		try attempt exec "$p"
		said=$(proscribe clock --json)
		if [ "$status" != 1 ]; then
			result missed "a clock of 2040 is not followed"
		elif [[ $said != *untrusted* ]]; then
			result believed "$said"
		else
			set_clock -s "@$((now + 2))"
			try proscribe clock accept
			try attempt exec "$p"
			if [ "$status" = 0 ]; then result allowed; else result locked "$text"; fi
		fi
	fi
	fresh_daemon "@$((now + 5))"
	without_policy
}

# A slip of the pen in a profile, 2062 for 2026, must not hold the host in that year.
life_policy_clock_misdated() {
	local said warned
	program "$p"
	lab_profile 2050-01-01T00:00:00Z
	sed -i 's/^updated: .*/updated: 2062-01-01/' "$profiles"/lab.yaml
	lab_catalog "$p" program
	printf 'profiles: [lab]\n' >"$config"
	fresh_daemon
	said=$(proscribe clock --json)
	warned=$(proscribe status --json)
	try attempt exec "$p"
	if [[ $said == *206[0-9]-* ]]; then
		result believed "$said"
	elif [[ $warned != *'"profile_date"'* ]]; then
		result silent "$warned"
	elif [ "$status" = 0 ]; then
		result allowed
	else
		result locked "$text"
	fi
	without_policy
}

# The order's own dates, in the order's own profile, on a host whose clock is a few seconds
# before one of them.
life_policy_commerce_dates() {
	local now=$EPOCHSECONDS begins=1727582400 id=us-commerce-icts-2021-002 record
	program "$p"
	lab_catalog "$p" program
	sed -i 's|lab/tool/program|kaspersky/kesl/updater|' "$vendor"/tool.csv
	# A copy that was there before the order: it may run, its updater only until the date.
	printf '%s\n' 'decision: DE-lab' 'reason: test' 'by: lab' 'document: lab' \
		'until: 2030-01-01T00:00:00Z' 'products: [kaspersky/kesl]' >"$objects"/DE-lab.yaml
	chmod 640 "$objects"/DE-lab.yaml
	# As if it had been installed then. The program's release is a lower bound of the time:
	# somebody has to say that it is that early.
	sed 's/^updated: .*/updated: 2024-06-25/' /usr/share/proscribe/profiles/$id.yaml \
		>"$profiles"/$id.yaml
	fresh_daemon "@$((begins - 3600))"
	set_clock -s "@$((begins - 6))"
	proscribe clock accept >/dev/null
	if control_runs; then
		kill -STOP "$daemon"
		wait_until "$begins"
		log_mark
		try attempt exec "$p"
		kill -CONT "$daemon"
		log_barrier
		record=$(log_since | grep -F "\"sha256\":\"$digest\"" | tail -n 1)
		if [ "$status" != 1 ]; then
			result missed "status $status: $text"
		elif [[ $record == *"\"profiles\":[\"$id\"]"*'"basis":"order"'* ]]; then
			result denied "$record"
		else
			result unexplained "$record"
		fi
	fi
	rm "$profiles"/$id.yaml
	fresh_daemon "@$((now + 20))"
	without_policy
}

# Nothing can be read any more: what was in force last is in force after the start.
life_policy_restored() {
	under_policy 2024-06-01T00:00:00Z
	guard_off
	printf 'mode: enforce\nactions: {exec: maybe}\n' >"$config"
	start_daemon --mode "$mode"
	try attempt exec "$p"
	said=$(proscribe status)
	if [ "$status" != 1 ]; then
		result missed "status $status: $text"
	elif [[ $said != *'proscribe.yaml:2:'* ]]; then
		result silent "$said"
	else
		result denied
	fi
	rm "$config"
	without_policy
}

# The same when what was listed has become something that the host needs: it is recorded.
life_policy_restored_disarmed() {
	local needed=/usr/bin/doas said log
	under_policy 2024-06-01T00:00:00Z
	guard_off
	cp "$p" "$needed"
	printf 'mode: enforce\nactions: {exec: maybe}\n' >"$config"
	start_daemon --mode "$mode"
	log_mark
	try attempt exec "$needed"
	evidence "$digests"
	said=$(proscribe status --json)
	log=$(cat "$logs"/audit-*.jsonl | grep '"type":"disarmed"')
	if [[ $said != *'"policy_disarmed"'* || $said != *'"mode": "observe"'* ]]; then
		result silent "$said"
	elif [[ $log != *"$needed"* ]]; then
		result unrecorded "$log"
	else
		conclude exec missed
	fi
	rm "$needed" "$config"
	without_policy
	try attempt exec "$p"
	[ "$status" = 0 ] || note "$case: still refused"
}

# A damaged file is not taken, and said.
life_policy_restored_damaged() {
	under_policy 2024-06-01T00:00:00Z
	guard_off
	printf 'actions: {exec: maybe}\n' >"$config"
	printf 'x' | dd of="$state"/active.bin bs=1 seek=3000 conv=notrunc status=none
	try proscribed
	if [ "$status" = 1 ] && [[ $text == *proscribe.yaml:1:* && $text == *active.bin* ]]; then
		result refused "$text"
	else
		result accepted "status $status: $text"
	fi
	rm "$config"
	start_daemon --mode "$mode"
	without_policy
}

# Nothing can be read any more while the guard is on: it gets its daemon all the same, which
# says so, and has what is mended in force with the next reload.
life_policy_held() {
	local before after said log
	under_policy 2024-06-01T00:00:00Z
	before=$(number generation "$(proscribe status --json)")
	end_daemon TERM
	printf 'mode: enforce\nactions: {exec: maybe}\n' >"$config"
	printf 'x' | dd of="$state"/active.bin bs=1 seek=3000 conv=notrunc status=none
	log_mark
	start_daemon --mode "$mode"
	try attempt exec "$p"
	said=$(proscribe status --json)
	after=$(number generation "$said")
	log_barrier
	log=$(log_since)
	if [ "$status" != 1 ]; then
		result missed "status $status: $text"
	elif [[ $said != *'"policy_held"'* || $said != *'"refused": true'* ]]; then
		result silent "$said"
	elif [ "$before" != "$after" ]; then
		result activated "generation $before, then $after"
	elif [[ $log != *'"type":"reload_refused"'* || $log != *"$digest"* ]]; then
		result unrecorded "$log"
	elif proscribe reload >/dev/null 2>&1; then
		result accepted "a policy that is broken"
	else
		printf 'profiles: [lab]\n' >"$config"
		log_mark
		reload
		said=$(proscribe status --json)
		refused_after 0
		if [[ $said != *'"passed": true'* || $said == *'"policy_held"'* ]]; then
			result unproven "$said"
		fi
	fi
	without_policy
}

life_policy_interlock() {
	local libc
	libc=$(ldd /bin/bash | sed -n 's/.*=> \(.*libc\.so\.6\) .*/\1/p')
	refused 4 'interlock.*libc\.so\.6.*reload --force [0-9a-f]{64}' proscribe list add "$libc"
}

# A shell that nobody lists, but that would not be known: larger than what is digested.
life_policy_interlock_unverified() {
	printf 'hash_limit: 1MiB\nunverified: {too_large: deny}\n' >"$config"
	printf '%s\nsha256,%s,%s,elf,other,,,lab\n' \
		algo,digest,size,format,name,product,version,source \
		"$(printf "%064d" 0)" "$(stat -Lc %s /bin/bash)" >"$lists"/large.csv
	refused 4 'exec +/[a-z/]*bin/bash.*: too_large$' proscribe reload
	rm "$config" "$lists"/large.csv
	reload
}

# The same for a program that the lab can do without for a moment; and it is meant. That holds
# when the lists change.
life_policy_interlock_forced() {
	local named runc
	runc=$(command -v runc)
	digest=$(digest_of "$runc")
	printf '%s\nsha256,%s,%s,elf,runc,,,lab\n' \
		algo,digest,size,format,name,product,version,source \
		"$digest" "$(stat -c %s "$runc")" >"$lists"/forced.csv
	try proscribe reload
	[[ $text =~ reload\ --force\ ([0-9a-f]{64}) ]] || { result unexplained "$text" && return; }
	named=${BASH_REMATCH[1]}
	try proscribe reload --force "${named//[0-9a-f]/0}" --by lab --reason test
	if [ "$status" = 0 ]; then
		result accepted "with another file's digest"
	else
		try proscribe reload --force "$named" --by lab --reason test --until +1d
		[ "$status" = 0 ] || note "$case: $text"
		try proscribe list add "${named//[0-9a-f]/e}" --size 1 --format elf
		[ "$status" = 0 ] || note "$case: $text"
		echo "$digest $case" >"$digests"
		log_mark
		try attempt exec "$runc"
		evidence "$digests"
		conclude exec missed
	fi
	proscribe list remove "${named//[0-9a-f]/e}" >/dev/null
	rm -f "$objects"/*.yaml "$lists"/forced.csv
	reload
}

# Activations under a storm of executions: each record agrees with its generation's policy,
# which refuses in every other one.
life_policy_storm() {
	policy_storm 20
}
long_policy_storm_long() {
	policy_storm 100
}
policy_storm() {
	local n storm generation first bad
	under_policy 2024-06-01T00:00:00Z
	cp "$profiles"/lab.yaml strict.yaml
	sed 's/action: deny/action: record/' strict.yaml >mild.yaml
	log_mark
	first=$(number generation "$(proscribe status --json)")
	(while :; do attempt exec "$p" >/dev/null 2>&1; done) &
	storm=$!
	for ((n = 0; n < $1; n++)); do
		if [ $((n % 2)) = 0 ]; then cat mild.yaml; else cat strict.yaml; fi >"$profiles"/lab.yaml
		reload
	done
	kill $storm
	wait $storm 2>/dev/null
	log_barrier
	generation=$(number generation "$(proscribe status --json)")
	bad=$(log_since | awk -v first="$first" -v digest="$digest" '
		index($0, "\"sha256\":\"" digest "\"") {
			match($0, /"generation":[0-9]+/)
			g = substr($0, RSTART + 13, RLENGTH - 13)
			expected = (g - first) % 2 ? "record" : "deny"
			if (index($0, "\"action\":\"" expected "\",\"verdict\":\"" expected "\"") == 0) bad++
			if (index($0, "\"profiles\":[\"lab\"]") == 0) bad++
			seen[g] = 1
			n++
		}
		END { for (g in seen) kinds++; print bad + 0, n + 0, kinds + 0 }')
	read -r bad n kinds <<<"$bad"
	note "$case: $n records of $kinds generations among $((generation - first)) activations"
	if [ "$bad" = 0 ] && [ "$n" -ge "$1" ] && [ "$kinds" -gt $(($1 / 2)) ]; then
		result denied "$n records of $kinds generations"
	else
		result inconsistent "$bad of $n records, $kinds generations"
	fi
	without_policy
}
