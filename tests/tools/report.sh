#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The page of a report in a browser: pictures in light and dark, and on paper, to be looked at, and
# what the browser understood of it. Called by `make check-tools`: report.sh PROSCRIBE
set -eu
proscribe=$1
out=${PSC_TOOLS_OUT:?}/report
here=$(cd "$(dirname -- "$0")/../.." && pwd)
rm -rf "$out"
mkdir -p "$out"

fail() {
	printf 'report: %s\n' "$1" >&2
	exit 1
}

browser() {
	timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$out/profile" \
		--window-size=1280,6000 --no-pdf-header-footer "$@" 2>>"$out/browser.log"
}

"${PSC_TOOLS_OUT}/story" "$out/log"
install -m 644 /dev/stdin "$out/config.yaml" <<<'profiles: [test-order]'
"$proscribe" report --config "$out/config.yaml" --profiles-dir "$here/tests/data/policy/profiles" \
	--catalog "$here/tests/data/policy/catalog" --objects "$out/none" --dir "$out/log" \
	--since 2030-05-01 --until 2030-06-01T00:00:00Z --output "$out/report.html"
browser --screenshot="$out/light.png" "file://$out/report.html"
browser --force-dark-mode --blink-settings=preferredColorScheme=0 --screenshot="$out/dark.png" \
	"file://$out/report.html"
browser --print-to-pdf="$out/report.pdf" "file://$out/report.html"
browser --dump-dom "file://$out/report.html" >"$out/dom.html"
for file in light.png dark.png report.pdf; do
	[ "$(stat -c %s "$out/$file")" -gt 20000 ] || fail "$file shows nothing"
done
if cmp -s "$out/light.png" "$out/dark.png"; then
	fail 'dark is light'
fi
# what is in the log is text for the browser, too
grep -q '&lt;script&gt;alert' "$out/dom.html" || fail 'the name of a file is not in the page'
if grep -q '<script' "$out/dom.html"; then
	fail 'the name of a file became a script'
fi
for element in '<main' '<nav' '<svg' '<caption' 'scope="row"' '</html>'; do
	grep -q -- "$element" "$out/dom.html" || fail "the browser sees no $element"
done
printf 'report: pictures are in %s\n' "$out"
