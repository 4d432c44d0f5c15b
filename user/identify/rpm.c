/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm.c - rpm packages by librpm, see package.h. Headers only: nothing is unpacked, no signature
 * is verified (that needs the keys of a host), no configuration and no database is read.
 *
 * librpm keeps state of its own and logs by itself. One lock of ours makes it safe for threads;
 * while it is held, messages of librpm become the problem that is reported.
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include <rpm/header.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmpgp.h>
#include <rpm/rpmtd.h>
#include <rpm/rpmts.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/identify/package.h"
#include "user/identify/package_internal.h"

#define LEAD_SIZE   96
#define INTRO_SIZE  16		/* magic, reserved, count of entries, bytes of data */
#define ENTRY_SIZE  16		/* of a header's index */
#define HEADER_MAX  (64U << 20) /* bytes of one header that librpm is given */
#define MESSAGE_MAX 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool psc_package_rpm_covered(void)
{
	return true;
}

/* ---- librpm --------------------------------------------------------------------- */

static int keep_message(rpmlogRec record, rpmlogCallbackData data)
{
	char *message = data;
	const char *text = rpmlogRecMessage(record);

	if (!message[0] && text)
		snprintf(message, MESSAGE_MAX, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

/*
 * librpm believes what a header says of its own size, and ends the process when there is no
 * memory for that. Returns where the header ends; 0 when it is not one, or is too large.
 */
static uint64_t header_end(int fd, uint64_t offset, uint64_t file_size)
{
	static const uint8_t magic[] = {0x8e, 0xad, 0xe8, 0x01};
	struct {
		uint8_t magic[4];
		uint32_t reserved;
		uint32_t entries;
		uint32_t bytes;
	} intro;
	uint64_t size;

	if (pread(fd, &intro, INTRO_SIZE, offset) != INTRO_SIZE ||
	    memcmp(intro.magic, magic, sizeof(magic)) != 0)
		return 0;
	size = INTRO_SIZE + (uint64_t)ENTRY_SIZE * be32toh(intro.entries) + be32toh(intro.bytes);
	return size > HEADER_MAX || size > file_size - offset ? 0 : offset + size;
}

static bool sizes_are_sane(int fd)
{
	uint64_t end;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < LEAD_SIZE)
		return false;
	end = header_end(fd, LEAD_SIZE, st.st_size);
	/* the signature is padded */
	end = end ? (end + 7) & ~7ULL : 0;
	return end && end < (uint64_t)st.st_size && header_end(fd, end, st.st_size);
}

static int read_with(rpmts ts, int fd, Header *ret)
{
	rpmKeyring keyring = rpmKeyringNew();
	FD_t file = fdDup(fd);
	int r = -ENOMEM;

	if (keyring && file) {
		/* an empty one, so that none is looked for in the host's database */
		rpmtsSetKeyring(ts, keyring);
		rpmtsSetVSFlags(ts, RPMVSF_MASK_NODIGESTS | RPMVSF_MASK_NOSIGNATURES);
		rpmtsSetVfyLevel(ts, 0);
		switch (rpmReadPackageFile(ts, file, "package", ret)) {
		case RPMRC_OK:
		case RPMRC_NOKEY:
		case RPMRC_NOTTRUSTED:
			r = *ret ? 0 : -EBADMSG;
			break;
		default:
			r = -EBADMSG;
			break;
		}
	}
	if (file)
		Fclose(file);
	rpmKeyringFree(keyring);
	return r;
}

/* The lock is held. -EBADMSG with a @message of MESSAGE_MAX bytes. */
static int read_header(int fd, Header *ret, char *message)
{
	rpmlogCallback before;
	Header header = NULL;
	rpmts ts;
	int r;

	message[0] = 0;
	if (!sizes_are_sane(fd)) {
		snprintf(message, MESSAGE_MAX, "damaged, or larger headers than are read");
		return -EBADMSG;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	before = rpmlogSetCallback(keep_message, message);
	ts = rpmtsCreate();
	r = ts ? read_with(ts, fd, &header) : -ENOMEM;
	rpmtsFree(ts);
	rpmlogSetCallback(before, NULL);
	if (r < 0) {
		headerFree(header);
		return r;
	}
	*ret = header;
	return 0;
}

/* ---- facts ----------------------------------------------------------------------- */

static int add_tag(Header header, rpmTag tag, enum psc_fact_kind kind, struct psc_facts *facts)
{
	const char *text = headerGetString(header, tag);

	return text ? psc_facts_add(facts, kind, 0, text, strlen(text)) : 0;
}

static int add_version(Header header, struct psc_facts *facts)
{
	const char *version = headerGetString(header, RPMTAG_VERSION);
	const char *release = headerGetString(header, RPMTAG_RELEASE);
	uint64_t epoch = headerGetNumber(header, RPMTAG_EPOCH);

	if (!version)
		return 0;
	if (epoch)
		return psc_facts_addf(facts, PSC_FACT_PACKAGE_VERSION, 0, "%llu:%s%s%s",
				      (unsigned long long)epoch, version, release ? "-" : "",
				      release ? release : "");
	return psc_facts_addf(facts, PSC_FACT_PACKAGE_VERSION, 0, "%s%s%s", version,
			      release ? "-" : "", release ? release : "");
}

static bool has_fact(const struct psc_facts *facts, enum psc_fact_kind kind, const char *value)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind == kind && strcmp(facts->fact[i].value, value) == 0)
			return true;
	}
	return false;
}

/* The lock is held. */
static int add_key(struct psc_facts *facts, const uint8_t *packet, size_t size)
{
	static const uint8_t unknown[8];
	pgpDigParams parameters = NULL;
	char id[2 * sizeof(unknown) + 1];
	const uint8_t *key;
	int r = 0;

	if (!size || pgpPrtParams(packet, size, PGPTAG_SIGNATURE, &parameters) != 0 || !parameters)
		return psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
				      "OpenPGP signature of %zu bytes: damaged", size);
	key = pgpDigParamsSignID(parameters);
	if (key && memcmp(key, unknown, sizeof(unknown)) != 0) {
		psc_hex_encode(key, sizeof(unknown), id);
		if (!has_fact(facts, PSC_FACT_PACKAGE_KEY, id))
			r = psc_facts_add(facts, PSC_FACT_PACKAGE_KEY, 0, id, strlen(id));
	}
	pgpDigParamsFree(parameters);
	return r;
}

int psc_package_add_key(struct psc_facts *facts, const void *data, size_t size)
{
	static const char begin[] = "-----BEGIN PGP SIGNATURE-----";
	_cleanup_free_ char *armor = NULL;
	_cleanup_free_ uint8_t *packet = NULL;
	size_t length = size;
	const char *start = memmem(data, size, begin, sizeof(begin) - 1);
	int r;

	pthread_mutex_lock(&lock);
	if (start) {
		armor = strndup(start, size - (start - (const char *)data));
		if (!armor || pgpParsePkts(armor, &packet, &length) != PGPARMOR_SIGNATURE)
			length = 0;
	}
	r = add_key(facts, start ? packet : data, length);
	pthread_mutex_unlock(&lock);
	return r;
}

static int add_keys(Header header, struct psc_facts *facts)
{
	static const rpmTag tags[] = {RPMTAG_RSAHEADER, RPMTAG_DSAHEADER, RPMTAG_SIGPGP,
				      RPMTAG_SIGGPG};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tags) && r >= 0; i++) {
		struct rpmtd_s td = {0};

		if (!headerGet(header, tags[i], &td, HEADERGET_MINMEM))
			continue;
		if (rpmtdType(&td) == RPM_BIN_TYPE)
			r = add_key(facts, td.data, td.count);
		rpmtdFreeData(&td);
	}
	return r;
}

/* ---- files ------------------------------------------------------------------------ */

/* Arrays of the header, as long as each other; those that may be missing have no count. */
struct files {
	struct rpmtd_s base, directory, index;
	struct rpmtd_s size, mode, digest, flags;
	bool sha256;
};

static void files_free(struct files *files)
{
	struct rpmtd_s *const all[] = {&files->base, &files->directory, &files->index, &files->size,
				       &files->mode, &files->digest,	&files->flags};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		rpmtdFreeData(all[i]);
}

static bool get_array(Header header, rpmTag tag, rpm_count_t count, struct rpmtd_s *ret)
{
	return headerGet(header, tag, ret, HEADERGET_MINMEM) &&
	       (count == 0 || rpmtdCount(ret) == count);
}

/* -EBADMSG when the arrays do not fit each other. A package without files has none. */
static int files_read(Header header, struct files *ret)
{
	rpm_count_t count;

	*ret = (struct files){0};
	if (!get_array(header, RPMTAG_BASENAMES, 0, &ret->base))
		return 0;
	count = rpmtdCount(&ret->base);
	if (!get_array(header, RPMTAG_DIRNAMES, 0, &ret->directory) ||
	    !get_array(header, RPMTAG_DIRINDEXES, count, &ret->index) ||
	    rpmtdType(&ret->index) != RPM_INT32_TYPE ||
	    !get_array(header, RPMTAG_FILEMODES, count, &ret->mode) ||
	    (!get_array(header, RPMTAG_LONGFILESIZES, count, &ret->size) &&
	     !get_array(header, RPMTAG_FILESIZES, count, &ret->size)))
		return -EBADMSG;
	if (!get_array(header, RPMTAG_FILEDIGESTS, count, &ret->digest))
		return -EBADMSG;
	if (headerIsEntry(header, RPMTAG_FILEFLAGS) &&
	    !get_array(header, RPMTAG_FILEFLAGS, count, &ret->flags))
		return -EBADMSG;
	ret->sha256 = headerGetNumber(header, RPMTAG_FILEDIGESTALGO) == PGPHASHALGO_SHA256;
	return 0;
}

static uint64_t number_at(struct rpmtd_s *td, rpm_count_t i)
{
	return rpmtdSetIndex(td, i) < 0 ? 0 : rpmtdGetNumber(td);
}

/* Belongs to the header; NULL when it is not there. */
static const char *string_at(struct rpmtd_s *td, rpm_count_t i)
{
	if (i >= rpmtdCount(td) || rpmtdSetIndex(td, i) < 0)
		return NULL;
	return rpmtdGetString(td);
}

/* The whole path of file @i, freed by the caller. */
static int path_at(struct files *files, rpm_count_t i, char **ret)
{
	const char *base = string_at(&files->base, i);
	const char *directory = string_at(&files->directory, number_at(&files->index, i));

	if (!base || !directory)
		return -EBADMSG;
	return asprintf(ret, "%s%s", directory, base) < 0 ? -ENOMEM : 0;
}

static int add_entries(Header header, struct psc_facts *facts)
{
	struct files files;
	int r = files_read(header, &files);

	for (rpm_count_t i = 0; r == 0 && i < rpmtdCount(&files.base); i++) {
		_cleanup_free_ char *path = NULL;
		size_t skip;

		if (S_ISDIR(number_at(&files.mode, i)))
			continue;
		if (i >= PSC_PACKAGE_ENTRIES_MAX) {
			r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0,
					   "only the first %u names of the package were read", i);
			break;
		}
		r = path_at(&files, i, &path);
		if (r < 0)
			break;
		skip = strspn(path, "/");
		r = psc_facts_add(facts, PSC_FACT_ENTRY, 0, path + skip, strlen(path + skip));
	}
	files_free(&files);
	if (r == -EBADMSG)
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0, "rpm: the list of files is damaged");
	return r;
}

static int add_facts(Header header, struct psc_facts *facts)
{
	static const struct {
		rpmTag tag;
		enum psc_fact_kind kind;
	} tags[] = {
		{RPMTAG_NAME, PSC_FACT_PACKAGE_NAME},
		{RPMTAG_VENDOR, PSC_FACT_PACKAGE_VENDOR},
		{RPMTAG_ARCH, PSC_FACT_PACKAGE_ARCHITECTURE},
		{RPMTAG_URL, PSC_FACT_PACKAGE_URL},
		{RPMTAG_PACKAGER, PSC_FACT_PACKAGE_MAINTAINER},
	};
	int r = add_version(header, facts);

	for (size_t i = 0; i < ARRAY_SIZE(tags) && r >= 0; i++)
		r = add_tag(header, tags[i].tag, tags[i].kind, facts);
	if (r >= 0)
		r = add_keys(header, facts);
	if (r >= 0)
		r = add_entries(header, facts);
	return r;
}

int psc_identify_rpm(int fd, struct psc_facts *facts)
{
	char message[MESSAGE_MAX];
	Header header = NULL;
	int r = psc_facts_add(facts, PSC_FACT_PACKAGE_FORMAT, 0, "rpm", 3);

	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	r = read_header(fd, &header, message);
	if (r == 0)
		r = add_facts(header, facts);
	else if (r == -EBADMSG)
		r = psc_facts_addf(facts, PSC_FACT_PROBLEM, 0, "rpm: %s",
				   message[0] ? message : "damaged");
	headerFree(header);
	pthread_mutex_unlock(&lock);
	return r;
}

static int give_file(struct files *files, rpm_count_t i, psc_package_file_fn fn, void *data)
{
	_cleanup_free_ char *path = NULL;
	struct psc_package_file file = {
		.size = number_at(&files->size, i),
		.mode = number_at(&files->mode, i),
	};
	const char *digest;
	int r;

	/* a ghost is not in the package */
	if (!S_ISREG(file.mode) || number_at(&files->flags, i) & RPMFILE_GHOST)
		return 0;
	r = path_at(files, i, &path);
	if (r < 0)
		return r;
	file.path = path;
	digest = files->sha256 ? string_at(&files->digest, i) : NULL;
	file.has_sha256 = digest && psc_hex_decode(digest, strlen(digest), file.sha256,
						   PSC_DIGEST_SIZE, NULL) == 0;
	return fn(&file, data);
}

int psc_rpm_files(int fd, psc_package_file_fn fn, void *data)
{
	char message[MESSAGE_MAX];
	Header header = NULL;
	struct files files;
	int r;

	pthread_mutex_lock(&lock);
	r = read_header(fd, &header, message);
	pthread_mutex_unlock(&lock);
	if (r < 0)
		return r;
	r = files_read(header, &files);
	for (rpm_count_t i = 0; r == 0 && i < rpmtdCount(&files.base); i++)
		r = give_file(&files, i, fn, data);
	files_free(&files);
	headerFree(header);
	return r;
}
