/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog.c - the writer of the audit log, see auditlog.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <zlib.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_names.h"
#include "user/core/chain_key.h"
#include "user/core/digest.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

struct psc_auditlog {
	int fd;
	bool dirty;	   /* appended to since the last sync */
	bool torn;	   /* part of a line could not be cut back */
	off_t whole;	   /* with torn: where the whole lines end */
	struct stat known; /* as the last sync left it */
	struct psc_chain chain;
	struct psc_hasher *hasher;
	char *path;
	char line[PSC_AUDITLOG_LINE_MAX];
};

/*
 * Gives it to the readers. It may be that we must not: a log that they cannot read is still
 * better than none.
 */
static void give(int fd, gid_t group)
{
	struct stat st;

	if (group != (gid_t)-1 && fstat(fd, &st) == 0 && st.st_gid != group &&
	    fchown(fd, (uid_t)-1, group) < 0)
		return;
}

/* The same for files that were there before the group was. */
static void give_names(int directory_fd, const struct psc_auditlog_names *names, gid_t group)
{
	for (size_t i = 0; group != (gid_t)-1 && i < names->count; i++) {
		_cleanup_close_ int fd =
			openat(directory_fd, names->names[i],
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

		if (fd >= 0)
			give(fd, group);
	}
}

static int open_directory(const char *directory, gid_t group)
{
	_cleanup_close_ int fd = -1;
	bool created = mkdir(directory, 0750) == 0;

	if (!created && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Against whatever umask the caller has. */
	if (created && fchmod(fd, 0750) < 0)
		return -errno;
	give(fd, group);
	return TAKE_FD(fd);
}

static int create_file(int directory_fd, const char *name, gid_t group)
{
	_cleanup_close_ int fd = -1;

	fd = openat(directory_fd, name,
		    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0640) < 0)
		return -errno;
	give(fd, group);
	if (fsync(directory_fd) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int continue_file(int directory_fd, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(directory_fd, name,
		    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

/* A file's name is the time, but never before the one that it follows (NULL: none). */
static void name_after(const char *newest, char name[PSC_AUDITLOG_NAME_SIZE])
{
	uint64_t start = psc_time_now(), before;
	char text[PSC_TIME_TEXT_MAX];

	if (newest && psc_auditlog_name_parse(newest, &before) && start < before + PSC_NSEC_PER_SEC)
		start = before + PSC_NSEC_PER_SEC;
	snprintf(name, PSC_AUDITLOG_NAME_SIZE, PSC_AUDITLOG_PREFIX "%s" PSC_AUDITLOG_SUFFIX,
		 psc_time_format_compact(start, text));
}

/* Opens the newest file, or a new one; its name goes to @name. */
static int open_file(int directory_fd, const struct psc_auditlog_names *names, gid_t group,
		     char *name)
{
	const char *newest = names->count ? names->names[names->count - 1] : NULL;

	if (newest && !psc_auditlog_is_packed(newest)) {
		snprintf(name, PSC_AUDITLOG_NAME_SIZE, "%s", newest);
		return continue_file(directory_fd, name);
	}
	name_after(newest, name);
	return create_file(directory_fd, name, group);
}

/* Offset behind the last newline of @fd, which has @size bytes. */
static int whole_lines_end(int fd, off_t size, char *buffer, size_t buffer_size, off_t *ret)
{
	while (size > 0) {
		size_t n = size < (off_t)buffer_size ? (size_t)size : buffer_size;
		const char *newline;
		ssize_t got;

		got = pread(fd, buffer, n, size - (off_t)n);
		if (got < 0)
			return -errno;
		if ((size_t)got != n)
			return -EIO;
		newline = memrchr(buffer, '\n', n);
		if (newline) {
			*ret = size - (off_t)n + (newline - buffer) + 1;
			return 0;
		}
		size -= (off_t)n;
	}
	*ret = 0;
	return 0;
}

/* True when the @size bytes from @offset are a record that lacks only its newline. */
static bool tail_is_record(struct psc_auditlog *log, off_t offset, off_t size)
{
	_cleanup_json_ json_t *json = NULL;

	if (size >= (off_t)sizeof(log->line) ||
	    pread(log->fd, log->line, (size_t)size, offset) != (ssize_t)size)
		return false;
	return psc_auditlog_parse_line(log->line, (size_t)size, &json, NULL, 0) == 0;
}

static int repair_tail(struct psc_auditlog *log, struct psc_auditlog_repair *repair)
{
	struct stat st;
	off_t end;
	int r;

	if (fstat(log->fd, &st) < 0)
		return -errno;
	r = whole_lines_end(log->fd, st.st_size, log->line, sizeof(log->line), &end);
	if (r < 0)
		return r;
	if (end == st.st_size)
		return 0;
	if (tail_is_record(log, end, st.st_size - end)) {
		ssize_t n = write(log->fd, "\n", 1);

		if (n != 1)
			return n < 0 ? -errno : -EIO;
		repair->terminated = true;
	} else {
		if (ftruncate(log->fd, end) < 0)
			return -errno;
		repair->cut_bytes = (uint64_t)(st.st_size - end);
	}
	return fdatasync(log->fd) < 0 ? -errno : 0;
}

/* ---- where the chain goes on ------------------------------------------------------------- */

/* The record that begins at @offset of @fd, if it is one: 1 and the chain behind it. */
static int chain_at(struct psc_auditlog *log, int fd, off_t offset, size_t size)
{
	struct psc_chain_link link;
	int r;

	if (pread(fd, log->line, size, offset) != (ssize_t)size)
		return -EIO;
	if (psc_chain_parse(log->line, size, &link) < 0)
		return 0;
	log->chain.sequence = link.sequence - 1;
	r = psc_chain_advance(&log->chain, log->hasher, log->line, size);
	return r < 0 ? r : 1;
}

/* The last record of a file: 1, or 0 when it has none. Lines behind it that are none stay. */
static int chain_of_file(struct psc_auditlog *log, int fd)
{
	struct stat st;
	off_t end, begin;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = whole_lines_end(fd, st.st_size, log->line, sizeof(log->line), &end);
	while (r >= 0 && end > 0) {
		r = whole_lines_end(fd, end - 1, log->line, sizeof(log->line), &begin);
		if (r >= 0 && end - begin <= (off_t)sizeof(log->line))
			r = chain_at(log, fd, begin, (size_t)(end - begin - 1));
		if (r)
			return r;
		end = begin;
	}
	return r;
}

static void close_gz(gzFile *file)
{
	if (*file)
		gzclose_r(*file);
}

/* The same of a compressed file, which has to be read from its beginning. Takes @fd. */
static int chain_of_packed(struct psc_auditlog *log, int fd)
{
	_cleanup_(close_gz) gzFile file = gzdopen(fd, "rb");
	struct psc_chain_link link;
	int r = 0;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (r >= 0 && gzgets(file, log->line, sizeof(log->line))) {
		size_t length = strcspn(log->line, "\n");

		if (psc_chain_parse(log->line, length, &link) < 0)
			continue;
		log->chain.sequence = link.sequence - 1;
		r = psc_chain_advance(&log->chain, log->hasher, log->line, length);
		r = r < 0 ? r : 1;
	}
	return r;
}

/* A file may have been begun and not written to: then the one before it has the end. */
static int find_chain(struct psc_auditlog *log, int directory_fd,
		      const struct psc_auditlog_names *names)
{
	int r = chain_of_file(log, log->fd);

	for (size_t i = names->count; i > 0 && !r; i--) {
		const char *name = names->names[i - 1];
		_cleanup_close_ int fd = continue_file(directory_fd, name);

		if (fd >= 0 && psc_auditlog_is_packed(name))
			r = chain_of_packed(log, TAKE_FD(fd));
		else if (fd >= 0)
			r = chain_of_file(log, fd);
	}
	return r < 0 ? r : 0;
}

int psc_auditlog_open(const char *directory, gid_t group, struct psc_auditlog **ret,
		      struct psc_auditlog_repair *repair)
{
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	_cleanup_close_ int directory_fd = -1;
	struct psc_auditlog_repair found = {};
	char name[PSC_AUDITLOG_NAME_SIZE];
	int r;

	log = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->fd = -1;
	r = psc_hasher_new(&log->hasher);
	if (r < 0)
		return r;
	directory_fd = open_directory(directory, group);
	if (directory_fd < 0)
		return directory_fd;
	r = psc_auditlog_names_read(directory, &names);
	if (r < 0)
		return r;
	give_names(directory_fd, &names, group);
	log->fd = open_file(directory_fd, &names, group, name);
	if (log->fd < 0)
		return log->fd;
	if (flock(log->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (asprintf(&log->path, "%s/%s", directory, name) < 0) {
		log->path = NULL;
		return -ENOMEM;
	}
	/* who wrote before may have ended before it synced */
	log->dirty = true;
	r = repair_tail(log, &found);
	if (!r)
		r = find_chain(log, directory_fd, &names);
	if (!r && fstat(log->fd, &log->known) < 0)
		r = -errno;
	if (r < 0)
		return r;
	if (repair)
		*repair = found;
	*ret = TAKE_PTR(log);
	return 0;
}

void psc_auditlog_free(struct psc_auditlog *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	psc_hasher_free(log->hasher);
	free(log->path);
	free(log);
}

/* Takes back what was written of a line that did not go in as a whole. */
static int cut_back(struct psc_auditlog *log)
{
	log->torn = ftruncate(log->fd, log->whole) < 0;
	return log->torn ? -EIO : 0;
}

static int write_line(struct psc_auditlog *log, size_t size)
{
	size_t written = 0;

	while (written < size) {
		ssize_t n = write(log->fd, log->line + written, size - written);
		int error = n == 0 ? EIO : errno;

		if (n > 0) {
			written += (size_t)n;
			continue;
		}
		if (error == EINTR)
			continue;
		if (!written)
			return -error;
		/* asked only now: the end may have moved, when somebody emptied the file */
		log->whole = lseek(log->fd, 0, SEEK_CUR) - (off_t)written;
		return cut_back(log) < 0 ? -EIO : -error;
	}
	return 0;
}

/* Puts the link before the record of @length bytes, which stands in the buffer already. */
static int append_line(struct psc_auditlog *log, const char *prefix, size_t begin, size_t length)
{
	int r;

	/* the record's opening brace gives way to the link's comma */
	memcpy(log->line, prefix, begin);
	length += begin - 1;
	log->line[length] = '\n';
	r = write_line(log, length + 1);
	if (r < 0)
		return r;
	log->dirty = true;
	return psc_chain_advance(&log->chain, log->hasher, log->line, length);
}

/* What comes before the next record; where it begins. Negative when nothing can be appended. */
static ssize_t next_prefix(struct psc_auditlog *log, const struct psc_chain_key *key,
			   char prefix[PSC_CHAIN_PREFIX_MAX])
{
	struct psc_chain_link link;

	if (log->torn && cut_back(log) < 0)
		return -EIO;
	psc_chain_next(&log->chain, &link);
	if (key && psc_chain_sign(key, &link) < 0)
		return -EIO;
	return (ssize_t)psc_chain_format(&link, prefix);
}

int psc_auditlog_append_signed(struct psc_auditlog *log, const json_t *json,
			       const struct psc_chain_key *key)
{
	char prefix[PSC_CHAIN_PREFIX_MAX];
	ssize_t begin = next_prefix(log, key, prefix);
	size_t room, length;

	if (begin < 0)
		return (int)begin;
	if (!json_is_object(json))
		return -EINVAL;
	room = sizeof(log->line) - (size_t)begin;
	length = json_dumpb(json, log->line + begin - 1, room, JSON_COMPACT);
	if (length <= 2)
		return -EINVAL;
	if (length > room)
		return -EMSGSIZE;
	return append_line(log, prefix, (size_t)begin, length);
}

int psc_auditlog_append_text(struct psc_auditlog *log, const char *text, size_t size)
{
	char prefix[PSC_CHAIN_PREFIX_MAX];
	ssize_t begin = next_prefix(log, NULL, prefix);

	if (begin < 0)
		return (int)begin;
	if (size <= 2 || text[0] != '{')
		return -EINVAL;
	if (size > sizeof(log->line) - (size_t)begin)
		return -EMSGSIZE;
	memcpy(log->line + begin - 1, text, size);
	return append_line(log, prefix, (size_t)begin, size);
}

int psc_auditlog_append(struct psc_auditlog *log, const json_t *json)
{
	return psc_auditlog_append_signed(log, json, NULL);
}

const struct psc_chain *psc_auditlog_chain(const struct psc_auditlog *log)
{
	return &log->chain;
}

void psc_auditlog_continue(struct psc_auditlog *log, const struct psc_chain *end)
{
	if (end->sequence > log->chain.sequence)
		log->chain = *end;
}

int psc_auditlog_sync(struct psc_auditlog *log)
{
	struct stat st;

	if (!log->dirty)
		return 0;
	if (fdatasync(log->fd) < 0)
		return -errno;
	log->dirty = false;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	log->known = st;
	return st.st_nlink == 0 ? -ESTALE : 0;
}

enum psc_auditlog_state psc_auditlog_look(const struct psc_auditlog *log)
{
	const struct timespec *before = &log->known.st_ctim;
	struct stat st, named;

	if (log->dirty || fstat(log->fd, &st) < 0)
		return PSC_AUDITLOG_SOUND;
	if (stat(log->path, &named) < 0 || named.st_dev != st.st_dev || named.st_ino != st.st_ino)
		return PSC_AUDITLOG_REMOVED;
	if (st.st_size < log->known.st_size)
		return PSC_AUDITLOG_CUT;
	return st.st_size != log->known.st_size || st.st_ctim.tv_sec != before->tv_sec ||
			       st.st_ctim.tv_nsec != before->tv_nsec
		       ? PSC_AUDITLOG_ALTERED
		       : PSC_AUDITLOG_SOUND;
}

/* Name of the file in its path. */
static const char *name_of(const struct psc_auditlog *log)
{
	return strrchr(log->path, '/') + 1;
}

uint64_t psc_auditlog_size(const struct psc_auditlog *log)
{
	struct stat st;

	return fstat(log->fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

uint64_t psc_auditlog_begun(const struct psc_auditlog *log)
{
	uint64_t ns = 0;

	psc_auditlog_name_parse(name_of(log), &ns);
	return ns;
}

int psc_auditlog_rotate(struct psc_auditlog *log)
{
	_cleanup_close_ int directory_fd = -1, fd = -1;
	_cleanup_free_ char *directory = NULL, *path = NULL;
	char name[PSC_AUDITLOG_NAME_SIZE];
	struct stat st;
	int r = psc_auditlog_sync(log);

	if (r < 0)
		return r;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	directory = strndup(log->path, (size_t)(name_of(log) - log->path));
	if (!directory)
		return -ENOMEM;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return -errno;
	name_after(name_of(log), name);
	if (asprintf(&path, "%s%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = create_file(directory_fd, name, st.st_gid);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	log->known = st;
	close(log->fd);
	log->fd = TAKE_FD(fd);
	free(log->path);
	log->path = TAKE_PTR(path);
	log->torn = false;
	return 0;
}

const char *psc_auditlog_path(const struct psc_auditlog *log)
{
	return log->path;
}
