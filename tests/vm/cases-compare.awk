# SPDX-License-Identifier: Apache-2.0
# Holds what the guest said (first file) against the rows of tests/cases.tsv (second) and
# writes the result as a table. Called by cases-run with the variables sabotage, lenient,
# tsv, date, seconds and kernel.
#
# The guest may run the cases several times, each time without some capabilities of the
# kernel. Such a round is known by the names of these; "-" is the usual one. With
# `lenient` an outcome may be stricter than the row's, never weaker.

function met(round, requires,    n, i, names, name, wanted) {
	if (requires == "-") return 1
	n = split(requires, names, ",")
	for (i = 1; i <= n; i++) {
		name = names[i]
		wanted = !sub(/^!/, "", name)
		if (((round, name) in features) != wanted) return 0
	}
	return 1
}

# Content that nobody listed may become unverified, but neither recorded as listed nor
# refused; and observe mode refuses nothing, whatever it does without.
function stricter(wanted, got, mode) {
	if (!lenient || wanted == "refused") return 0
	if (got ~ /^unverified:/) return wanted == "missed" || wanted == "allowed" || wanted ~ /^unverified:/
	if (wanted == "allowed") return 0
	if (got == "recorded") return wanted == "missed" || wanted ~ /^unverified:/
	return got == "denied" && wanted != "denied" && mode == "enforce"
}

function say(word, round, name, mode, text) {
	printf "%-8s %-8s %-42s %s%s\n", word, mode, name, text, \
		round == "-" ? "" : " (without " round ")"
	count[word]++
	print name, mode, word, text, round >tsv
}

# judge(ROUND, CASE, MODE, EXPECTED)
function judge(round, name, mode, wanted,    key, got) {
	key = round SUBSEP name SUBSEP mode
	got = key in outcome ? outcome[key] : ""
	tried[key]++
	if (sabotage) {
		# Neither controls nor the guard's life mean anything then.
		if ((wanted != "denied" && wanted != "recorded") || got == "") return
		if (got == wanted) say("FAIL", round, name, mode, wanted " with nothing listed: " detail[key])
		else say("ok", round, name, mode, got ", as it must be with nothing listed")
	} else if (got == "") {
		say("FAIL", round, name, mode, "expected " wanted ", got no result")
	} else if (key in repeated) {
		say("FAIL", round, name, mode, "more than one result")
	} else if (got == wanted) {
		say("ok", round, name, mode, wanted)
	} else if (stricter(wanted, got, mode)) {
		say("stricter", round, name, mode, got " instead of " wanted)
	} else {
		say("FAIL", round, name, mode, "expected " wanted ", got " got ": " detail[key])
	}
}

BEGIN {
	OFS = "\t"
	round = "-"
	rounds[1] = "-"
	total = 1
}

NR == FNR {
	if ($1 == "without") {
		round = $2
		# whatever came before the first one was no round
		if (!masked++) total = 0
		rounds[++total] = round
	}
	if ($1 == "release") release = $2
	if ($1 == "nothing") nothing = $2
	if ($1 == "elsewhere") elsewhere[$2, $3] # without a mode: in none
	if ($1 == "feature") features[round, $2]
	if ($1 == "note") notes[++noted] = $2
	if ($1 == "figures") figures[++figured] = $2 "\t" $3
	if ($1 == "result") {
		key = round SUBSEP $2 SUBSEP $3
		if (key in outcome) repeated[key]
		outcome[key] = $4
		detail[key] = $5
	}
	next
}

FNR == 1 {
	print "#run", kernel, release, date, seconds >tsv
	print "#columns: case", "mode", "result", "outcome", "without" >tsv
}

{
	known[$1, $3]
	if (($1, "") in elsewhere || ($1, $3) in elsewhere || nothing != "") next
	for (i = 1; i <= total; i++) {
		due[rounds[i], $1, $3]
		if (met(rounds[i], $2)) judge(rounds[i], $1, $3, $4)
	}
}

END {
	for (key in due) if (!(key in tried)) {
		split(key, part, SUBSEP)
		say("skip", part[1], part[2], part[3], "the kernel has nothing to try it with")
	}
	for (key in outcome) {
		split(key, part, SUBSEP)
		if (!((part[2], part[3]) in known))
			say("FAIL", part[1], part[2], part[3], \
				"not in cases.tsv: " outcome[key] ": " detail[key])
	}
	if (count["FAIL"]) for (i = 1; i <= noted; i++) if (notes[i] !~ /after the start$/)
		print "note " notes[i]
	for (i = 1; i <= figured; i++) print "#figures", figures[i] >tsv
	if (nothing != "") {
		print kernel ": nothing to do: " nothing
		exit
	}
	printf "%s: %d passed, %d stricter, %d failed, %d skipped in %d s\n", kernel, count["ok"], \
		count["stricter"], count["FAIL"], count["skip"], seconds
	exit count["FAIL"] > 0 || !count["ok"]
}
