#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packages: a stand-in rpm signed by a key made here, a stand-in deb, an archive by makeself, and
# a real deb. What identify says must be what rpm, dpkg-deb and makeself say. Called by
# `make check-tools`.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"
need rpmbuild rpmsign gpg makeself dpkg-deb apt-get

# FILE KIND: the values, sorted, one a line
fact() {
	"$out/facts" "$1" | awk -F '\t' -v k="$2" '$3 == k { print $4 }' | LC_ALL=C sort
}

cd "$work"
mkdir -p tree/opt/stand-in gpg
printf standin >tree/opt/stand-in/program
ln -s program tree/opt/stand-in/link

# ---- rpm: signed, asked without and with the key

chmod 700 gpg
export GNUPGHOME=$work/gpg
trap 'gpgconf --kill all 2>/dev/null || :; rm -rf -- "$work"' EXIT
gpg --batch --quiet --passphrase '' --quick-generate-key 'stand-in <s@example.invalid>' rsa2048
cat >s.spec <<-'END'
	Name: stand-in
	Version: 1.2
	Release: 3
	Epoch: 4
	Summary: stand-in
	License: none
	Vendor: Stand-in Vendor
	Packager: Somebody <s@example.invalid>
	URL: https://example.invalid/
	%description
	stand-in
	%files
	/opt
END
cp -a tree root
rpmbuild --quiet -bb --define "_rpmdir $work" --define "_topdir $work/top" \
	--define '_binary_filedigest_algorithm 8' --buildroot "$work/root" s.spec >/dev/null 2>&1
mv ./*/stand-in-*.rpm signed.rpm
cp signed.rpm unsigned.rpm
rpmsign --addsign --define '_gpg_name stand-in' --define "__gpg $(command -v gpg)" \
	signed.rpm >/dev/null 2>&1

query() {
	rpm -qp --nosignature --qf "$1" signed.rpm
}
check 'rpm: name' "$(query '%{NAME}')" "$(fact signed.rpm package_name)"
check 'rpm: version' "$(query '%{EPOCH}:%{VERSION}-%{RELEASE}')" "$(fact signed.rpm package_version)"
check 'rpm: architecture' "$(query '%{ARCH}')" "$(fact signed.rpm package_architecture)"
check 'rpm: vendor' "$(query '%{VENDOR}')" "$(fact signed.rpm package_vendor)"
check 'rpm: packager' "$(query '%{PACKAGER}')" "$(fact signed.rpm package_maintainer)"
check 'rpm: URL' "$(query '%{URL}')" "$(fact signed.rpm package_url)"
# rpm ends its text with the key id, in short; gpg knows the long one
key=$(gpg --quiet --with-colons --list-keys stand-in | awk -F: '$1 == "pub" { print tolower($5) }')
check 'rpm: key' "$key" "$(fact signed.rpm package_key)"
# it fails, since no host trusts a key made here
said=$({ rpm -Kv --dbpath "$work/none" signed.rpm 2>/dev/null || :; } |
	sed -n 's/.*[Kk]ey ID \([0-9a-f]*\).*/\1/p' | sort -u)
[ -n "$said" ] || check 'rpm -K names a key' yes no
check 'rpm: key as rpm -K says' "$said" "$(fact signed.rpm package_key | tail -c $((${#said} + 1)))"
check 'rpm: unsigned' '' "$(fact unsigned.rpm package_key)"
check 'rpm: files' "$(query '[%{FILEMODES:perms} %{FILENAMES}\n]' |
	sed -n 's/^[^d][^ ]* \///p' | LC_ALL=C sort)" "$(fact signed.rpm entry)"
check 'rpm: problems' '' "$(fact signed.rpm problem)"

# ---- makeself

makeself --quiet --nox11 tree made.run 'A stand-in label' ./program >/dev/null 2>&1
check 'makeself: label' 'A stand-in label' "$(fact made.run archive_label)"
check 'makeself: files' "$(sh made.run --list | awk '$1 !~ /^d/ { print $6 }' | grep '^\./' |
	sed 's/^\.\///' | LC_ALL=C sort)" "$(fact made.run entry)"
makeself --quiet --nox11 --xz tree made-xz.run 'Another' ./program >/dev/null 2>&1
check 'makeself, xz: files' "$(fact made.run entry)" "$(fact made-xz.run entry)"

# ---- a real deb

apt-get -q download hello >/dev/null 2>&1
for field in Package:package_name Version:package_version Architecture:package_architecture \
	Maintainer:package_maintainer Homepage:package_url; do
	check "deb: $field" "$(dpkg-deb -f hello_*.deb "${field%%:*}")" "$(fact hello_*.deb "${field#*:}")"
done
check 'deb: files' "$(dpkg-deb --fsys-tarfile hello_*.deb | tar -t | grep -v '/$' |
	sed 's/^\.\///' | LC_ALL=C sort)" "$(fact hello_*.deb entry)"

finish "rpm, makeself and dpkg-deb"
