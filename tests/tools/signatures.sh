#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Signatures of real files: Debian's shim (two, of Microsoft), its kernel image and modules.
# What identify says must be what osslsigncode and modinfo say. Called by `make check-tools`.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"
need osslsigncode modinfo objcopy openssl apt-get dpkg-deb

# FILE GROUP KIND [-t PEM]: the values, with "; " between them
fact() {
	local file=$1 group=$2 kind=$3
	shift 3
	"$out/facts" "$@" "$file" | awk -F '\t' -v g="$group" -v k="$kind" \
		'$2 == g && $3 == k { printf "%s%s", s, $4; s = "; " }'
}

# What osslsigncode says of the first signer: its line that begins so
said() { # FILE LINE
	osslsigncode verify "$1" 2>/dev/null | sed -n "s/^[[:space:]]*$2[[:space:]]*: *//p" |
		sed 's/ *$//' | head -n 1 || :
}

# "/C=US/CN=x y" as osslsigncode writes it
slashes() {
	sed 's/; /\//g; s/^./\/&/'
}

# FILE: who signed it first
compare_names() {
	check "$1: subject" "$(said "$1" Subject)" "$(fact "$1" 1 signer_subject | slashes)"
	check "$1: issuer" "$(said "$1" Issuer)" "$(fact "$1" 1 signer_issuer | slashes)"
	check "$1: serial" "$(said "$1" Serial | tr 'A-F' 'a-f')" "$(fact "$1" 1 signer_serial)"
}

# FILE: whether the image is the one that was signed
compare_digest() {
	local expected=intact found=intact
	[ "$(said "$1" 'Current message digest')" = "$(said "$1" 'Calculated message digest')" ] ||
		expected=tampered
	case $(fact "$1" 1 signer_state) in
	tampered | malformed) found=tampered ;;
	esac
	check "$1: image" $expected $found
}

build_id() {
	objcopy -O binary --only-section=.note.gnu.build-id "$1" /dev/stdout |
		tail -c 20 | od -An -tx1 | tr -d ' \n'
}

cd "$work"
image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image.*\)/\1/p' |
	head -n 1)
for package in shim-signed "$image"; do
	apt-get -q download "$package" >/dev/null 2>&1 || {
		echo "signatures: cannot download $package" >&2
		exit 1
	}
	dpkg-deb -x "$package"_*.deb .
done

# ---- the kernel image, against the authority that shim carries ----

cp boot/vmlinuz-* kernel
cp usr/lib/shim/shimx64.efi.signed shim
objcopy -O binary -j .vendor_cert shim vendor_cert
read -r size _ at _ < <(od -An -tu4 -N16 vendor_cert)
tail -c +$((at + 1)) vendor_cert | head -c "$size" | openssl x509 -inform der -out debian.pem
compare_names kernel
compare_digest kernel
check 'kernel: nobody is trusted' untrusted "$(fact kernel 1 signer_state)"
check 'kernel: with Debian its authority' trusted "$(fact kernel 1 signer_state -t debian.pem)"
cp kernel changed
printf '\377' | dd of=changed bs=1 seek=70000 conv=notrunc status=none
compare_digest changed
check 'kernel changed' tampered "$(fact changed 1 signer_state -t debian.pem)"

# ---- shim: two entries in its table, of which osslsigncode takes only one ----

check 'shim: signatures' 2 "$("$out/facts" shim | grep -c 'signer_state')"
check 'shim: states' 'untrusted untrusted' \
	"$(fact shim 1 signer_state) $(fact shim 2 signer_state)"
directory=$(($(od -An -tu4 -j60 -N4 shim) + 24 + 112 + 8 * 4))
table=$(od -An -tu4 -j$directory -N4 shim)
length=$(od -An -tu4 -j$((table)) -N4 shim)
head -c $((table + length)) shim >first
printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((length & 255)) $((length >> 8 & 255)) \
	$((length >> 16 & 255)) $((length >> 24)))" |
	dd of=first bs=1 seek=$((directory + 4)) conv=notrunc status=none
compare_names first
compare_digest first
check 'shim: the first is the first of the whole' "$(fact first 1 signer_cert_sha256)" \
	"$(fact shim 1 signer_cert_sha256)"

# ---- modules ----

modules=0
while read -r module; do
	modules=$((modules + 1))
	check "$module: signer" "CN=$(modinfo -F signer "$module")" "$(fact "$module" 1 signer_issuer)"
	check "$module: serial" "$(modinfo -F sig_key "$module" | tr -d : | tr 'A-F' 'a-f')" \
		"$(fact "$module" 1 signer_serial)"
	check "$module: state" unchecked "$(fact "$module" 1 signer_state)"
	check "$module: build id" "$(build_id "$module")" "$(fact "$module" 0 elf_build_id)"
done < <(find lib/modules -name '*.ko' | sort | awk 'NR % 20 == 1' | head -n 25)
check 'modules looked at' yes "$([ $modules -ge 20 ] && echo yes)"

finish "shim-signed, $image, $modules modules"
