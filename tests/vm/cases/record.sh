# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# What a record says beside the outcome, in both modes (each_).

# The content lies in the second of the lower layers.
each_record_names_layer() {
	local record outcome=denied
	[ "$mode" = enforce ] || outcome=recorded
	mkdir -p first "second:layer"
	program "$dir/second:layer/file"
	overlay "$dir/first:$dir/second\\:layer"
	list "$dir/second:layer/file" --name layered
	log_mark
	try attempt exec "$dir/merged/file"
	log_barrier
	record=$(log_since | grep -F '"name":"layered"')
	if [[ $record == *"\"layer\":\"$dir/second:layer\""* ]]; then
		result $outcome
	else
		result no-layer "$record"
	fi
	unlist "$dir/second:layer/file"
	umount merged
}
