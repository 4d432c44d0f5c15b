# SPDX-License-Identifier: Apache-2.0
# The page of bypass-page: reads tests/cases-about.tsv, tests/cases.tsv and results of
# cases-run, in this order.

function words(outcome, name) {
	if (outcome == "recorded" && name ~ /^log-/) return "a record, or a warning, says so"
	if (outcome == "denied") return "refused"
	if (outcome == "recorded") return "goes ahead, recorded as listed"
	if (outcome == "allowed") return "goes ahead"
	if (outcome == "missed") return "goes ahead, **not noticed**"
	if (outcome == "refused") return "refused, with the remedy"
	sub(/^unverified:/, "", outcome)
	gsub(/_/, " ", outcome)
	return "goes ahead, recorded as unverified (" outcome ")"
}

# "real_inode,!file_post_open": "with real_inode and without file_post_open"
function conditions(requires,    n, i, part, text) {
	if (requires == "-") return ""
	n = split(requires, part, ",")
	for (i = 1; i <= n; i++) {
		text = text (i > 1 ? " and " : "")
		text = text (sub(/^!/, "", part[i]) ? "without " : "with ") "`" part[i] "`"
	}
	return text
}

# The section that a case belongs into, by the weakest of its outcomes in enforce mode.
function section(name) {
	if (name ~ /-without-guard$/) return "control"
	if (name ~ /^log-/) return "evidence"
	if (weakest[name] == "missed") return "missed"
	if (name ~ /^(daemon|storm|list|ring|reload|start|guard|off|doctor|record|seen|mode|ima-doctor)/) return "life"
	if (weakest[name] == "allowed") return "allowed"
	if (weakest[name] == "denied" || weakest[name] == "refused") return "stopped"
	return "recorded"
}

function rank(outcome) {
	if (outcome == "missed") return 1
	if (outcome == "allowed") return 2
	if (outcome ~ /^unverified/) return 3
	return outcome == "recorded" ? 4 : 5
}

# Kernels on which every attempt of the case had the expected outcome.
function seen(name,    i, text) {
	for (i = 1; i <= kernel_count; i++) {
		if (!((name, kernels[i]) in tried)) continue
		text = text (text == "" ? "" : ", ") kernels[i]
		if ((name, kernels[i]) in failed) text = text " **failed**"
	}
	return text == "" ? "-" : text
}

function table(which, title, introduction,    i, name) {
	printf "\n## %s\n\n%s\n\n", title, introduction
	print "| case | what is attempted | enforce | observe | seen on |"
	print "|---|---|---|---|---|"
	for (i = 1; i <= cases; i++) {
		name = order[i]
		if (section(name) == which)
			printf "| %s | %s | %s | %s | %s |\n", name, about[name], \
				text[name, "enforce"], text[name, "observe"] == "" ? "-" : \
				text[name, "observe"], seen(name)
	}
}

FNR == 1 { file++ }

file == 1 {
	if ($0 !~ /^#/ && NF) about[$1] = $2
	next
}

file == 2 {
	if ($0 ~ /^#/ || !NF) next
	if (!($1 in weakest)) order[++cases] = $1
	condition = conditions($2)
	key = $1 SUBSEP $3
	text[key] = text[key] (text[key] == "" ? "" : "; ") words($4, $1) (condition == "" ? "" : " (" condition ")")
	if ($3 == "enforce" || !($1 in weakest))
		if (!($1 in weakest) || rank($4) < rank(weakest[$1])) weakest[$1] = $4
	next
}

$1 == "#run" {
	kernel = $2
	if (!(kernel in release)) kernels[++kernel_count] = kernel
	if ($3 != "") release[kernel] = $3
	if ($4 > date) date = $4
	next
}

/^#/ { next }

$3 == "ok" || $3 == "stricter" { tried[$1, kernel] }
$3 == "FAIL" { tried[$1, kernel]; failed[$1, kernel] }

END {
	print "# Ways around, and what comes of them"
	print ""
	print "Made by `tests/vm/bypass-page` from `tests/cases.tsv`, which is tried on three kernels by"
	print "`make check-lab` and `make check-long`; do not edit. Every attempt is made three times: before"
	print "the content is listed, while it is listed and after. The configuration is the built-in one, but"
	print "for the cases that say so. An outcome that depends on a capability of the kernel says which"
	print "(`proscribe status` shows them); `ima_policy` is a kernel whose IMA policy measures files,"
	print "`ftrace_switch` one that lets ftrace be switched off, `at_execve_check` one that has that flag,"
	print "`ia32` and `x32` one that runs such programs."
	print ""
	print "<!-- kernels -->"
	if (kernel_count) {
		print "Seen on " date ":"
		print ""
		print "| kernel | release |"
		print "|---|---|"
		for (i = 1; i <= kernel_count; i++)
			print "| " kernels[i] " | " release[kernels[i]] " |"
	}
	print "<!-- end -->"
	table("stopped", "Stopped", "Refused with EPERM before the act, where the mode is enforce.")
	table("life", "The guard itself", "What becomes of the guard when its daemon, its lists or its kernel are troubled: " \
		"\"refused\" is the execution of a\nlisted program meanwhile or afterwards, or the request itself; what was taken\noff lets it go ahead.")
	table("evidence", "The evidence", "What the audit log tells beside attempts: changes, scans, and hands that are laid on the\n" \
		"guard or on the log itself. Seen afterwards, not refused.")
	table("recorded", "Recorded, and refused if the configuration says so", "The content is not known at this " \
		"moment, or opens are not refused: the log says so (`unverified` and\n`actions` in proscribe.yaml).")
	table("allowed", "Goes ahead, as it must", "Content that nobody listed, although a listed one has its size.")
	table("control", "Controls", "The guard is off: the count of escapes must see it.")
	table("missed", "Not stopped and not noticed", "The plain truth; see also [the threat model](threat-model.md).")
}
