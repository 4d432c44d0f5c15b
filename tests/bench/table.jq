# SPDX-License-Identifier: Apache-2.0
# The table that `make bench` prints, of the document that report.jq makes.

def pad($n): tostring | . + " " * ([$n - length, 0] | max);
def lpad($n): tostring | " " * ([$n - length, 0] | max) + .;
def fixed($n): . as $x | pow(10; $n) as $p | ($x * $p | round) as $i
	| ($i / $p | floor | tostring) + "." + (($i % $p | tostring) | "0" * ($n - length) + .);
def columns: ["bare", "floor", "empty", "example", "fapolicyd", "thousand", "million", "own-sizes"];

def figure: if . == null then "-" elif . >= 100000 then (. / 1000 | fixed(2)) + " k"
	else fixed(1) end;
def goal: if .ratio then "<= \(.ratio) x \(.of)" else "<= \(.of) + \(.plus)" end;
def shown: if has("ratio") then (.ratio | fixed(4)) + " x"
	else (if .plus < 0 then "-" + (-.plus | fixed(1)) else "+" + (.plus | fixed(1)) end) end;

def line($used): (.label | pad(31)) + ([.columns[$used[]].min | figure | lpad(12)] | add);
def medians($used): ("  median" | pad(31)) + ([.columns[$used[]].median | figure | lpad(12)] | add);

. as $doc |
([.rows[].columns | keys[]] | unique) as $have |
(columns | map(select(IN($have[])))) as $used |
"Linux \(.release), \(.hooks | length) hooks; instructions, least of all rounds",
"",
(("" | pad(31)) + ([$used[] | lpad(12)] | add)),
(.rows[] | line($used), medians($used)),
"",
(("goal" | pad(31)) + ("" | pad(20)) + "column    measured"),
(.rows[] | . as $row | .judged | to_entries[]
	| ($row.label | pad(31)) + ($row.goal | goal | pad(20)) + (.key | pad(10))
	+ (.value | (shown | pad(12)) + (if .reached then "reached" else "NOT reached" end))),
"",
"drift of bare, last against first: " + ([.rows[] | "\(.name) \(.drift * 100 | . * 100 | round / 100) %"] | join(", "))
