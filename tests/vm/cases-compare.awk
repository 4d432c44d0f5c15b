# SPDX-License-Identifier: Apache-2.0
# Holds what the guest said (first file) against the rows of tests/cases.tsv (second) and
# writes the result as a table. Called by cases-run with the variables sabotage, tsv,
# seconds and kernel.

function met(requires,    n, i, names, name, wanted) {
	if (requires == "-") return 1
	n = split(requires, names, ",")
	for (i = 1; i <= n; i++) {
		name = names[i]
		wanted = !sub(/^!/, "", name)
		if ((name in features) != wanted) return 0
	}
	return 1
}

function say(word, name, mode, text) {
	printf "%-4s %-8s %-42s %s\n", word, mode, name, text
	count[word]++
	print name, mode, word, text >tsv
}

BEGIN {
	OFS = "\t"
	print "# case", "mode", "result", "outcome" >tsv
}

NR == FNR {
	if ($1 == "feature") features[$2] = 1
	if ($1 == "note") notes[++noted] = $2
	if ($1 == "result") {
		key = $2 " " $3
		if (key in outcome) repeated[key] = 1
		outcome[key] = $4
		detail[key] = $5
	}
	next
}

{
	key = $1 " " $3
	known[key] = 1
	if (!met($2)) next
	tried[key]++
	refusal = $4 == "denied" || $4 == "recorded"
	if (sabotage) {
		# Neither controls nor the guard's life mean anything then.
		if (!refusal || !(key in outcome)) next
		if (outcome[key] == $4) say("FAIL", $1, $3, $4 " with nothing listed: " detail[key])
		else say("ok", $1, $3, outcome[key] ", as it must be with nothing listed")
	} else if (!(key in outcome)) {
		say("FAIL", $1, $3, "expected " $4 ", got no result")
	} else if (key in repeated) {
		say("FAIL", $1, $3, "more than one result")
	} else if (outcome[key] != $4) {
		say("FAIL", $1, $3, "expected " $4 ", got " outcome[key] ": " detail[key])
	} else {
		say("ok", $1, $3, $4)
	}
}

END {
	for (key in known) if (!(key in tried)) {
		split(key, part, " ")
		say("skip", part[1], part[2], "the kernel has nothing to try it with")
	}
	for (key in outcome) if (!(key in known)) {
		split(key, part, " ")
		say("FAIL", part[1], part[2], "not in cases.tsv: " outcome[key] ": " detail[key])
	}
	if (count["FAIL"]) for (i = 1; i <= noted; i++) if (notes[i] !~ /after the start$/)
		print "note " notes[i]
	printf "%s: %d passed, %d failed, %d skipped in %d s\n", kernel, count["ok"], \
		count["FAIL"], count["skip"], seconds
	exit count["FAIL"] > 0 || !count["ok"]
}
