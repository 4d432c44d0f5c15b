/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.c - prints what identify finds in files, for the scripts beside it:
 *
 *   facts [-m MARKER]... [-t PEM]... [-H] [-q] FILE...
 *
 * -t: chains end at these certificates, -H: at the host's; -q: prints nothing, for timing.
 * One line a fact: file, group, kind, value, with tabs between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/identify.h"
#include "user/identify/marker.h"
#include "user/identify/signer.h"

#define ARGUMENTS_MAX 64

static void print(const char *path, const struct psc_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct psc_fact *fact = &facts->fact[i];

		printf("%s\t%u\t%s\t", path, fact->group, psc_fact_to_string(fact->kind));
		for (const char *c = fact->value; *c; c++)
			putchar((unsigned char)*c < ' ' ? '?' : *c);
		putchar('\n');
	}
}

static int show(const char *path, const struct psc_identify_options *options, bool quiet)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int r = fd < 0 ? -errno : psc_identify(fd, options, &facts);

	if (r < 0) {
		fprintf(stderr, "facts: %s: %s\n", path, strerror(-r));
		return r;
	}
	if (!quiet)
		print(path, &facts);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
	_cleanup_(psc_trust_freep) struct psc_trust *trust = NULL;
	const char *marker[ARGUMENTS_MAX + 1] = {0}, *pem[ARGUMENTS_MAX + 1] = {0};
	struct psc_identify_options options = {0};
	size_t marker_count = 0, pem_count = 0;
	bool host = false, quiet = false;
	struct psc_error err = {0};
	int failed = 0, option;

	while ((option = getopt(argc, argv, "m:t:Hq")) != -1) {
		if (option == 'm' && marker_count < ARGUMENTS_MAX)
			marker[marker_count++] = optarg;
		else if (option == 't' && pem_count < ARGUMENTS_MAX)
			pem[pem_count++] = optarg;
		else if (option == 'H')
			host = true;
		else if (option == 'q')
			quiet = true;
		else
			return 2;
	}
	if (psc_markers_new(marker, &markers) < 0 ||
	    (host ? psc_trust_new_host(NULL, false, &trust, &err)
		  : psc_trust_new_files(pem, &trust, &err)) < 0) {
		fprintf(stderr, "facts: %s: %s\n", err.file, err.message);
		return 2;
	}
	options.markers = markers;
	options.trust = trust;
	for (int i = optind; i < argc; i++)
		failed |= show(argv[i], &options, quiet) < 0;
	return failed;
}
