# SPDX-License-Identifier: Apache-2.0
# From the samples of guest.sh (an array of {column, cycle, row, samples}) to the result:
# `jq -f report.jq` gives the JSON document of docs/performance.md; the table of it is
# made by table.jq. Input from the environment: see guest.sh.

# One goal a row: a ratio to bare, or instructions above the floor.
def goals: {
	exec_static: {of: "bare", ratio: 1.010},
	exec_dynamic: {of: "bare", ratio: 1.012},
	open_read: {of: "floor", plus: 60},
	open_write: {of: "floor", plus: 120},
	exec_first: {of: "bare", ratio: 1.05},
	exec_first_big: {of: "bare", ratio: 1.05},
	exec_million: {of: "thousand", ratio: 1.002}
};
def labels: {
	exec_static: "exec, static, warm",
	exec_dynamic: "exec, dynamic /bin/true, warm",
	open_read: "open + close, read",
	open_write: "open + close, write",
	exec_first: "first exec, 760 KB, unlisted",
	exec_first_big: "first exec, 100 MB, unlisted",
	exec_million: "exec, static, by list length"
};
def judged: ["empty", "example", "million"];

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def round_to(n): . * n | round / n;

# How far the goal is met: value of a column, its reference, the goal.
def verdict($goal; $reference):
	if $goal.ratio then
		{ratio: (. / $reference | round_to(100000)), reached: (. / $reference <= $goal.ratio)}
	else
		{plus: (. - $reference | round_to(10)), reached: (. - $reference <= $goal.plus)}
	end;

def row($name; $samples):
	goals[$name] as $goal |
	($samples | group_by(.column) | map({
		key: .[0].column,
		value: {
			min: (map(.samples | min) | min),
			median: ([.[].samples[]] | median),
			samples: ([.[].samples[]] | length),
			cycles: (sort_by(.cycle) | map(.samples | min))
		}
	}) | from_entries) as $columns |
	($columns[$goal.of].min) as $reference |
	{
		name: $name, label: labels[$name], goal: $goal, columns: $columns,
		# the same column at the end and at the beginning: what differs is not the guard's
		drift: ($columns.bare.cycles // $columns[$goal.of].cycles
			| (.[-1] / .[0] - 1) | round_to(100000)),
		judged: ($columns | with_entries(select(.key | IN(judged[]))
			| select(.key != $goal.of)
			| .value |= (.min | verdict($goal; $reference))))
	};

. as $samples |
{
	schema: "proscribe-bench/1",
	unit: "instructions",
	kernel: $kernel, release: $release, version: $version,
	hooks: ($hooks | split(" ")),
	digests: $digests, facts: $facts,
	rows: [($samples | map(.row) | unique_by(. as $r | [goals | keys_unsorted[]] | index($r)))[] as $name
		| row($name; $samples | map(select(.row == $name)))]
}
