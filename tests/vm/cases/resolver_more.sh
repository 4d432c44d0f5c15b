# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# More cases of the resolver (resolver.sh): places that it marks, whose package a file came with,
# rpm's database, the layouts of the vendor's products.

# places_listed: how many places are in force and marked.
places_listed() {
	proscribe status --json | jq '[.data.policy.places.listed[] | select(.marked)] | length'
}

# until_places NUMBER: that many are.
until_places() {
	local n
	for ((n = 0; n < 150; n++)); do
		if [ "$(places_listed)" = "$1" ]; then return; fi
		nap 0.2
	done
	note "$case: places: $(proscribe status --json | jq -c .data.policy.places)"
	return 1
}

# The vendor's place is a link. A file that no list and no indicator knows is put into it when
# nobody looks at new files: it is refused by where it is. The mark goes with the directory.
life_resolver_place_later() {
	local real=/var/opt/lab/install_1.2.3
	standin_program $real/bin/tool || return
	ln -s "$real" "$standin"
	attempt pad "$bin"/payload "$dir/twin" 23457 "$case twin"
	settings=', new_files: false'
	standin_catalog "$(place_rule)"
	settings=
	if ! found_digest "$digest" || ! until_places 1; then
		result missed "no place is marked"
	else
		cp "$dir/twin" "$real/bin/$case.bin"
		log_mark
		try attempt exec "$dir/twin"
		if [ "$status" != 0 ]; then
			result overblocked "its content was refused elsewhere: $text"
		else
			try attempt exec "$real/bin/$case.bin"
			evidence "$digests"
			conclude exec missed
		fi
	fi
	rm -rf /var/opt/lab "$standin"
	wait_run
	until_places 0 || result overblocked "the place is marked still"
	standin_gone
}

# deb DIRECTORY NAME MAINTAINER: a package of what lies there.
deb() {
	mkdir -p "$1/DEBIAN"
	printf '%s\n' "Package: $2" 'Version: 1.2' 'Architecture: amd64' "Maintainer: $3 <a@b.example>" \
		'Description: a stand-in' >"$1/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$1" "$dir/$2.deb" >/dev/null
}

# until_found DIGEST PRODUCT: it is in force as that product.
until_found() {
	local n
	for ((n = 0; n < 150; n++)); do
		if grep -sF "$1" "$found" | grep -qF ",$2/"; then return; fi
		nap 0.2
	done
	note "$case: $(grep -sF "$1" "$found")"
	return 1
}

# The same engine in the vendor's package and in another vendor's, which is an engine inside a
# product of somebody else's.
life_resolver_foreign_package() {
	local other=/opt/mailgate own=/srv/lab engine
	standin_program "$dir/other$other/engine" || return
	engine=$digest
	mkdir -p "$dir/own$own"
	program "$dir/own$own/engine" "$case own"
	deb "$dir/own" lab-engine 'The lab'
	deb "$dir/other" mailgate 'Somebody'
	standin_catalog "$(indicator marker "$(condition format exact elf)" \
		"$(condition marker exact 'payload ran')")" \
		"$(indicator package "$(condition package_maintainer contains 'The lab')")" \
		"$(indicator foreign "$(condition foreign_owner exact lab)" | sed 's/: tool/: inside/')"
	printf '%s\n' '  - product: inside' '    name: an engine inside' '    class: embedded-engine' \
		'    source: the lab' '    label: A' >>"$vendor"/products.yaml
	sed -i 's/\[covered_new\]/[covered_new, embedded]/' "$profiles"/lab.yaml
	# files are watched by then
	wait_run
	dpkg -i "$dir/lab-engine.deb" "$dir/mailgate.deb" >"$dir/dpkg.out" 2>&1 ||
		note "$case: $(tail -n 2 "$dir/dpkg.out")"
	if ! until_found "$engine" lab/inside; then
		result missed "not told from the vendor's own"
	elif ! until_found "$(digest_of $own/engine)" lab/tool; then
		result missed "the vendor's own is not the vendor's"
	else
		refused_files $other/engine
		log_since | grep -F "$engine" | grep -qF '"lab/inside' ||
			note "$case: the record does not say whose it is"
	fi
	dpkg --purge lab-engine mailgate >/dev/null 2>&1
	standin_gone
}

# By rpm's database alone, which appears while the daemon runs and is damaged before that.
life_resolver_rpm_package() {
	local database=/var/lib/rpm
	standin_program /opt/lab-rpm/tool || return
	mkdir -p $database
	echo rubbish >$database/rpmdb.sqlite
	log_mark
	standin_catalog "$(indicator package "$(condition package_name exact lab-rpm)")"
	wait_run
	not_found "$digest" || note "$case: found before the package was installed"
	text=$(log_since | grep -F '"type":"found_unverified"')
	cp "$bin"/rpmdb.sqlite $database/
	found_digest "$digest" || wait_run
	if [[ $text != *rpm* ]]; then
		result unlogged "the damaged database is not recorded: $text"
	else
		found_digest "$digest" && refused_files /opt/lab-rpm/tool
	fi
	rm -rf $database /opt/lab-rpm
	standin_gone
}

# What the vendor's products are laid out like, with the shipped catalog and profile. Copies that
# lie elsewhere are refused by their content; the exempt product runs.
life_resolver_layouts() {
	local opt=/opt/kaspersky var=/var/opt/kaspersky/kesl/install_12.0.0.1/opt/kaspersky/kesl n=0
	local file files=("$var/libexec/kesl" "$opt/klnagent64/sbin/klnagent"
		"$opt/ScanEngine/bin/kavhttpd" "$opt/ScanEngine/ppl/core.ppl"
		"$opt/ktfs/bin/kl_feed_service") copies=()
	mkdir -p /srv/u
	for file in "${files[@]}"; do
		mkdir -p "${file%/*}"
		n=$((n + 1))
		attempt pad "$bin"/payload "$file" $((24000 + n)) "$case $n"
		cp "$file" "$dir/copy$n"
		copies+=("$dir/copy$n")
	done
	ln -s $var $opt/kesl
	{ printf '#!/bin/sh\nexit 0\n' && tar -C "$dir" -cz copy1; } >"$dir/kvrt"
	chmod 755 "$dir/kvrt"
	: >"$digests"
	for file in "${copies[@]}" "$dir/kvrt"; do
		echo "$(digest_of "$file") $case" >>"$digests"
		try attempt exec "$file"
		[ "$status" = 0 ] || { result broken-control "$file: $text" && return; }
	done
	printf '%s\n' 'profiles: [us-commerce-icts-2021-002]' 'resolver: {enabled: true, confidence: medium}' \
		>"$config"
	reload
	cp "$dir/kvrt" /srv/u/kvrt.run
	for file in "${copies[@]::4}" "$dir/kvrt"; do found_digest "$(digest_of "$file")"; done
	until_places 8 || note "$case: other places"
	try attempt exec "${files[4]}"
	if [ "$status" != 0 ]; then
		result overblocked "the exempt product is refused: $text"
	else
		refused_files "${copies[@]::4}" "$dir/kvrt" $opt/kesl/libexec/kesl /srv/u/kvrt.run
	fi
	rm -rf $opt /var/opt/kaspersky /srv/u
	standin_gone
}

# watches: how many directories and file systems the daemon has the kernel tell it of.
watches() {
	grep -hE '^(inotify|fanotify) ' /proc/"$daemon"/fdinfo/* 2>/dev/null | grep -c 'ino\|sdev'
}

# until_watches LEAST MOST: that many are; how many is in number.
until_watches() {
	local n
	for ((n = 0; n < 150; n++)); do
		number=$(watches)
		if [ "$number" -ge "$1" ] && [ "$number" -le "$2" ]; then return; fi
		nap 0.2
	done
	return 1
}

# Every open on a watched file system costs more: nothing is watched while nothing is looked for.
# What is switched on once more sees what it saw before.
life_resolver_switched_off() {
	local before on number by_content
	by_content=$(indicator marker "$(condition format exact elf)" \
		"$(condition marker exact 'payload ran')")
	standin_program "$dir/source" || return
	restart_daemon TERM
	before=$(watches)
	standin_catalog "$by_content"
	until_watches 2 1000
	on=$number
	# in the middle of a run, that of the reload
	standin_gone
	until_watches 0 0
	text="watches before=$before on=$on off=$number"
	note "$case: $text"
	if [ "$on" -lt 2 ]; then
		result broken-control "$text"
	elif [ "$before" != 0 ] || [ "$number" != 0 ]; then
		result leftover "$text"
	else
		standin_catalog "$by_content"
		wait_run
		cp "$dir/source" /opt/lab-anywhere
		found_digest "$digest" && refused_files /opt/lab-anywhere "$dir/source"
		rm -f /opt/lab-anywhere
	fi
	standin_gone
}
