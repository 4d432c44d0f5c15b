/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interlock.c - refuses a policy under which the host could not start, be logged into or be
 * repaired; see daemon.h. Asked from the host's actual files: what init, login, the package
 * manager and container runtimes are here, with everything that they need to run.
 */
#include "user/core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

#include "user/core/digest.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/daemon/daemon.h"
#include "user/identify/elf_links.h"
#include "bpf/decide.h"

#define FILES_MAX	1024
#define DIRECTORIES_MAX 64
#define SCRIPT_LINE_MAX 256

/* What has to run, where it is. Names without a slash are looked for in the usual places. */
static const char *const essential[] = {
	"/proc/1/exe",
	"/sbin/init",
	"/lib/systemd/systemd",
	"/usr/lib/systemd/systemd-executor",
	"systemctl",
	"udevadm",
	"/lib/systemd/systemd-udevd",
	"/lib/systemd/systemd-logind",
	"/lib/systemd/systemd-journald",
	"sh",
	"bash",
	"dash",
	"login",
	"agetty",
	"su",
	"sudo",
	"sshd",
	"mount",
	"umount",
	"fsck",
	"modprobe",
	"ip",
	"cat",
	"ls",
	"cp",
	"mv",
	"rm",
	"dpkg",
	"dpkg-deb",
	"apt-get",
	"rpm",
	"dnf",
	"yum",
	"zypper",
	"pacman",
	"apk",
	"runc",
	"crun",
	"containerd",
	"containerd-shim-runc-v2",
	"conmon",
	"dockerd",
	"podman",
	"crio",
	"kubelet",
	"proscribe",
	"/usr/libexec/proscribe/proscribe-identify",
	"/proc/self/exe",
};

static const char *const program_places[] = {"/usr/sbin",      "/usr/bin", "/usr/local/sbin",
					     "/usr/local/bin", "/sbin",	   "/bin"};

/* A file that has to stay usable. */
struct file {
	char *path;
	char *wanted_by; /* path of the file that needs it; "" itself essential */
	dev_t device;
	ino_t inode;
};

struct interlock {
	struct file files[FILES_MAX];
	size_t count;
	char *directories[DIRECTORIES_MAX]; /* where the loader looks for libraries */
	size_t directory_count;
};

static void interlock_free(struct interlock **lock)
{
	if (!*lock)
		return;
	for (size_t i = 0; i < (*lock)->count; i++) {
		free((*lock)->files[i].path);
		free((*lock)->files[i].wanted_by);
	}
	for (size_t i = 0; i < (*lock)->directory_count; i++)
		free((*lock)->directories[i]);
	free(*lock);
}

/* Adds a file once; what is not there, or no file, is not needed. */
static int add_file(struct interlock *lock, const char *path, const char *wanted_by)
{
	struct file *file = &lock->files[lock->count];
	char real[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	for (size_t i = 0; i < lock->count; i++) {
		if (lock->files[i].inode == st.st_ino && lock->files[i].device == st.st_dev)
			return 0;
	}
	if (lock->count == FILES_MAX)
		return -E2BIG;
	*file = (struct file){
		.path = strdup(realpath(path, real) ?: path),
		.wanted_by = strdup(wanted_by),
		.device = st.st_dev,
		.inode = st.st_ino,
	};
	lock->count++;
	return file->path && file->wanted_by ? 0 : -ENOMEM;
}

static int add_directory(struct interlock *lock, const char *path)
{
	if (lock->directory_count == DIRECTORIES_MAX)
		return 0;
	lock->directories[lock->directory_count] = strdup(path);
	return lock->directories[lock->directory_count++] ? 0 : -ENOMEM;
}

/* Lines of ld.so.conf that name a directory (ldconfig(8)); includes are read as a folder. */
static int add_directories_of(struct interlock *lock, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[PATH_MAX];
	int r = 0;

	while (f && r >= 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\r\n#")] = 0;
		if (line[0] == '/')
			r = add_directory(lock, line);
	}
	return r;
}

static int find_directories(struct interlock *lock)
{
	static const char *const usual[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64",
					    "/usr/lib/systemd"};
	struct dirent **names = NULL;
	int count = scandir("/etc/ld.so.conf.d", &names, NULL, alphasort);
	int r = add_directories_of(lock, "/etc/ld.so.conf");

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/etc/ld.so.conf.d/%s", names[i]->d_name);
		if (r >= 0 && names[i]->d_name[0] != '.')
			r = add_directories_of(lock, path);
		free(names[i]);
	}
	free(names);
	for (size_t i = 0; i < ARRAY_SIZE(usual) && r >= 0; i++)
		r = add_directory(lock, usual[i]);
	return r;
}

/* ---- what a file needs ------------------------------------------------------------ */

static int add_library_in(struct interlock *lock, const char *directory, const char *name,
			  const char *wanted_by)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return 0;
	return add_file(lock, path, wanted_by);
}

/* Every place that has a library of that name: which one is taken depends on the program. */
static int add_library(struct interlock *lock, const char *name, const char *wanted_by,
		       const char *runpath)
{
	_cleanup_free_ char *directories = strdup(runpath ?: "");
	char *save = NULL, *directory;
	int r = 0;

	if (!directories)
		return -ENOMEM;
	if (strchr(name, '/'))
		return add_file(lock, name, wanted_by);
	for (directory = strtok_r(directories, ":", &save); directory && r >= 0;
	     directory = strtok_r(NULL, ":", &save)) {
		char origin[PATH_MAX];

		if (strncmp(directory, "$ORIGIN", 7) == 0) {
			int length = strrchr(wanted_by, '/') - wanted_by;

			snprintf(origin, sizeof(origin), "%.*s%s", length, wanted_by,
				 directory + 7);
			directory = origin;
		}
		r = add_library_in(lock, directory, name, wanted_by);
	}
	for (size_t i = 0; i < lock->directory_count && r >= 0; i++)
		r = add_library_in(lock, lock->directories[i], name, wanted_by);
	return r;
}

/* The interpreter of a script. */
static int add_interpreter(struct interlock *lock, int fd, const char *script)
{
	char line[SCRIPT_LINE_MAX];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *path;

	if (n < 4 || line[0] != '#' || line[1] != '!')
		return 0;
	line[n] = 0;
	path = line + 2 + strspn(line + 2, " \t");
	path[strcspn(path, " \t\r\n")] = 0;
	return path[0] == '/' ? add_file(lock, path, script) : 0;
}

static int add_links(struct interlock *lock, const struct file *file)
{
	_cleanup_(psc_elf_links_clear) struct psc_elf_links links = {0};
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return 0;
	r = psc_elf_links_read(fd, &links);
	if (r == -ENOEXEC)
		return add_interpreter(lock, fd, file->path);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (links.interpreter)
		r = add_file(lock, links.interpreter, file->path);
	for (size_t i = 0; links.needed[i] && r >= 0; i++)
		r = add_library(lock, links.needed[i], file->path, links.runpath);
	return r;
}

static int find_program(struct interlock *lock, const char *name)
{
	int r = 0;

	if (name[0] == '/')
		return add_file(lock, name, "");
	for (size_t i = 0; i < ARRAY_SIZE(program_places) && r >= 0; i++)
		r = add_library_in(lock, program_places[i], name, "");
	return r;
}

static int find_files(struct interlock *lock)
{
	struct passwd *root = getpwuid(0);
	int r = find_directories(lock);

	for (size_t i = 0; i < ARRAY_SIZE(essential) && r >= 0; i++)
		r = find_program(lock, essential[i]);
	if (r >= 0 && root && root->pw_shell[0] == '/')
		r = add_file(lock, root->pw_shell, "");
	/* the list grows while it is walked, until nothing new is needed */
	for (size_t i = 0; i < lock->count && r >= 0; i++)
		r = add_links(lock, &lock->files[i]);
	return r;
}

/* ---- what the policy would do ------------------------------------------------------ */

/* The first interval from @now on in which a class may not be executed or loaded. */
static bool is_refused(const struct psc_table *table, uint32_t subject, uint64_t now,
		       enum psc_op *ret_op, uint64_t *ret_from)
{
	static const enum psc_op ops[] = {PSC_OP_EXEC, PSC_OP_LOAD, PSC_OP_OPEN};
	uint32_t class = table->class_of[subject];

	for (uint32_t i = psc_interval_at(table, now); i < table->interval_count; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
			if (table->action[i][class][ops[k]] != PSC_ACTION_DENY)
				continue;
			*ret_op = ops[k];
			*ret_from = table->interval_start[i];
			return true;
		}
	}
	return false;
}

/* Only a file of a listed size can be listed: the others are not read. */
static const struct psc_digest_record *find_record(const struct psc_image *image, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t digest[PSC_DIGEST_SIZE];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!psc_image_filter(image, PSC_FILTER_EXEC, st.st_size) &&
	    !psc_image_filter(image, PSC_FILTER_OPEN, st.st_size) &&
	    !(image->table.flags & PSC_TABLE_HASH_ALL))
		return NULL;
	return psc_digest_fd(fd, digest, NULL) < 0 ? NULL : psc_image_lookup(image, digest);
}

static int check_file(const struct psc_policy *policy, const struct file *file, uint64_t now,
		      struct psc_error *reterr)
{
	const struct psc_image *image = policy->image;
	const struct psc_digest_record *record = find_record(image, file->path);
	_cleanup_free_ char *path = NULL, *by = NULL;
	char digest[2 * PSC_DIGEST_SIZE + 1];
	enum psc_op op;
	uint64_t begins;

	if (!record || record->subject < PSC_SUBJECT_FIRST ||
	    !is_refused(&image->table, record->subject, now, &op, &begins))
		return 0;
	path = psc_escape_string(file->path);
	by = psc_escape_string(file->wanted_by);
	psc_hex_encode(policy->digest, PSC_DIGEST_SIZE, digest);
	psc_error_set(reterr, NULL, 0, 0,
		      "interlock: it would refuse %s of %s%s%s%s%s, which the host needs; if it is "
		      "meant: proscribe reload --force %s",
		      psc_op_to_string(op), path, by && by[0] ? " (needed by " : "", by ?: "",
		      by && by[0] ? ")" : "", begins > now ? " later" : "", digest);
	return -EPERM;
}

static bool is_overridden(const struct psc_policy *policy)
{
	for (size_t i = 0; i < policy->set.objects.count; i++) {
		const struct psc_object *object = policy->set.objects.item[i];

		if (object->kind == PSC_OBJECT_OVERRIDE &&
		    memcmp(object->override, policy->digest, PSC_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

int psc_interlock_check(const struct psc_policy *policy, uint64_t now, struct psc_error *reterr)
{
	_cleanup_(interlock_free) struct interlock *lock = NULL;
	int r;

	if (!policy->image->listed || is_overridden(policy))
		return 0;
	lock = calloc(1, sizeof(*lock));
	r = lock ? find_files(lock) : -ENOMEM;
	if (r < 0) {
		psc_error_set(reterr, NULL, 0, 0, "interlock: the host's files cannot be found: %s",
			      strerror(-r));
		return r;
	}
	for (size_t i = 0; i < lock->count && r >= 0; i++)
		r = check_file(policy, &lock->files[i], now, reterr);
	return r;
}
