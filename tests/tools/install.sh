#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts somewhere: systemd reads it, it makes the user, the group and the
# directories with the modes that are promised, and `make uninstall` leaves only the empty
# configuration behind. Called by `make check-tools`; everything happens below a root of its own.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"
need make systemd-sysusers systemd-tmpfiles

root=$work/root
build=$(dirname -- "$(realpath -- "$1")")

run() { # GOAL
	make --no-print-directory "O=$build" "DESTDIR=$root" "$1" >"$work/$1.log" 2>&1 || {
		cat "$work/$1.log" >&2
		exit 1
	}
}

# PATH: mode, owner and group, by the files of the root itself
about() {
	local mode uid gid
	read -r mode uid gid < <(stat -c '%a %u %g' "$root$1" 2>/dev/null || echo none)
	printf '%s %s:%s\n' "$mode" "$(awk -F: -v n="$uid" '$3 == n { print $1 }' "$root/etc/passwd")" \
		"$(awk -F: -v n="$gid" '$3 == n { print $1 }' "$root/etc/group")"
}

mkdir -p "$root/etc"
echo root:x:0:0::/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"
run install
check 'the program runs' "proscribe $("$build/proscribe" version | awk '{ print $2 }')" \
	"$("$root/usr/bin/proscribe" version)"
check 'sysusers' '' "$(systemd-sysusers --root="$root" proscribe.conf 2>&1 |
	grep -v '^Creating' || :)"
check 'the user' '/var/lib/proscribe' "$(awk -F: '$1 == "proscribe" { print $6 }' "$root/etc/passwd")"
check 'nobody logs in as it' 'nologin' \
	"$(awk -F: '$1 == "proscribe" { print $7 }' "$root/etc/passwd" | sed 's|.*/||')"
check 'tmpfiles' '' "$(systemd-tmpfiles --root="$root" --create proscribe.conf 2>&1)"
check '/var/lib/proscribe' '711 root:root' "$(about /var/lib/proscribe)"
check '/var/log/proscribe' '750 root:proscribe' "$(about /var/log/proscribe)"
check '/etc/proscribe/lists.d' '750 root:root' "$(about /etc/proscribe/lists.d)"
for setting in StateDirectoryMode:/var/lib/proscribe LogsDirectoryMode:/var/log/proscribe; do
	check "the service's $setting" "$(about "${setting#*:}" | cut -d' ' -f1)" \
		"$(sed -n "s/^${setting%%:*}=0*//p" "$root/usr/lib/systemd/system/proscribed.service")"
done
run uninstall
check 'what uninstall leaves' '' "$(cd -- "$root" && find . ! -type d ! -path './etc/*')"
check 'nothing of ours in /usr' '' "$(find "$root/usr" -name '*proscribe*')"
finish 'an installation in a directory'
