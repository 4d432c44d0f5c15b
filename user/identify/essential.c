/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential.c - see essential.h: what is essential by itself. What these need is in
 * essential_links.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/essential_parts.h"

static const char *const program_places[] = {"/usr/sbin",      "/usr/bin", "/usr/local/sbin",
					     "/usr/local/bin", "/sbin",	   "/bin"};

static const char *const pam_folders[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"};
static const char *const sudo_folders[] = {"/usr/libexec/sudo", "/usr/lib/sudo"};

struct psc_essential *psc_essential_free(struct psc_essential *essential)
{
	if (!essential)
		return NULL;
	for (size_t i = 0; i < essential->count; i++)
		free(essential->file[i].path);
	for (size_t i = 0; i < essential->ground_count; i++)
		free(essential->ground[i].path);
	free(essential->file);
	free(essential->ground);
	free(essential);
	return NULL;
}

void psc_essential_freep(struct psc_essential **essential)
{
	*essential = psc_essential_free(*essential);
}

static void clear_search(struct psc_essential_search *search)
{
	psc_sysroot_clear(&search->root);
	psc_essential_free(search->found);
	for (size_t i = 0; i < search->directory_count; i++)
		free(search->directory[i].path);
	for (size_t i = 0; i < search->library_count; i++)
		free(search->library[i].name);
	free(search->directory);
	free(search->library);
}

bool psc_essential_is_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ENAMETOOLONG;
}

int psc_essential_fail(struct psc_essential_search *search, const char *path, const char *done,
		       int error)
{
	psc_error_set(search->reterr, path, 0, 0,
		      "interlock: the host needs it, and it cannot be %s: %s", done,
		      strerror(-error));
	return error;
}

/* ---- files ------------------------------------------------------------------------- */

/*
 * The real path, if it leads back to the file; a running program whose file was replaced is
 * only to be had by the path that was given.
 */
static int name_file(struct psc_essential_search *search, int fd, const char *path,
		     const struct stat *st, char **ret)
{
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int again = -1;
	struct stat there;
	int r = psc_sysroot_name(&search->root, fd, &real);

	if (r == -ENOMEM)
		return r;
	again = r < 0 ? -ENOENT : psc_sysroot_look(&search->root, real, O_PATH);
	if (again < 0 || fstat(again, &there) < 0 || there.st_ino != st->st_ino ||
	    there.st_dev != st->st_dev) {
		free(real);
		real = strdup(path);
	}
	*ret = TAKE_PTR(real);
	return *ret ? 0 : -ENOMEM;
}

static int append_file(struct psc_essential_search *search, int fd, const char *path,
		       const struct stat *st, struct psc_essential_file *file)
{
	struct psc_essential *found = search->found;
	struct psc_essential_file *grown;
	int r;

	if (found->count == PSC_ESSENTIAL_FILES_MAX) {
		psc_error_set(search->reterr, path, 0, 0,
			      "interlock: the host needs more than %u files",
			      PSC_ESSENTIAL_FILES_MAX);
		return -E2BIG;
	}
	/* doubled at every power of two */
	if ((found->count & (found->count - 1)) == 0) {
		grown = reallocarray(found->file, found->count ? 2 * found->count : 1,
				     sizeof(*grown));
		if (!grown)
			return psc_essential_fail(search, path, "noted", -ENOMEM);
		found->file = grown;
	}
	r = psc_essential_find_ground(search, path, fd, st->st_dev, &file->ground);
	if (r < 0)
		return r;
	r = name_file(search, fd, path, st, &file->path);
	if (r < 0)
		return psc_essential_fail(search, path, "noted", r);
	found->file[found->count++] = *file;
	return 0;
}

int psc_essential_add(struct psc_essential_search *search, const char *path, size_t needed_by,
		      uint32_t ops)
{
	_cleanup_close_ int fd = psc_sysroot_look(&search->root, path, O_PATH);
	struct psc_essential *found = search->found;
	struct psc_essential_file file;
	struct stat st;

	if (psc_essential_is_absent(fd))
		return 0;
	/* another process's program: who may not look takes the file by its name */
	if (fd == -EACCES && strncmp(path, "/proc/", 6) == 0)
		return 0;
	if (fd < 0)
		return psc_essential_fail(search, path, "found", fd);
	if (fstat(fd, &st) < 0)
		return psc_essential_fail(search, path, "examined", -errno);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (!(st.st_mode & 0111))
		ops &= ~(1U << PSC_OP_EXEC);
	for (size_t i = 0; i < found->count; i++) {
		if (found->file[i].inode == st.st_ino &&
		    found->ground[found->file[i].ground].device == st.st_dev) {
			found->file[i].ops |= ops;
			return 0;
		}
	}
	file = (struct psc_essential_file){
		.needed_by = needed_by,
		.inode = st.st_ino,
		.size = st.st_size,
		.ops = ops,
	};
	return append_file(search, fd, path, &st, &file);
}

int psc_essential_add_in(struct psc_essential_search *search, const char *directory,
			 const char *name, size_t needed_by, uint32_t ops)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return 0;
	return psc_essential_add(search, path, needed_by, ops);
}

int psc_essential_add_program(struct psc_essential_search *search, const char *name,
			      size_t needed_by)
{
	int r = 0;

	if (name[0] == '/')
		return psc_essential_add(search, name, needed_by, PSC_ESSENTIAL_PROGRAM);
	if (strchr(name, '/'))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(program_places) && r >= 0; i++)
		r = psc_essential_add_in(search, program_places[i], name, needed_by,
					 PSC_ESSENTIAL_PROGRAM);
	return r;
}

/* ---- folders and words ---------------------------------------------------------------- */

int psc_essential_each(struct psc_essential_search *search, const char *directory,
		       const char *pattern, psc_words_take take, void *data)
{
	_cleanup_close_ int fd =
		psc_sysroot_look(&search->root, directory, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;
	int r = 0;

	if (fd < 0)
		return psc_essential_is_absent(fd)
			       ? 0
			       : psc_essential_fail(search, directory, "read", fd);
	folder = fdopendir(fd);
	if (!folder)
		return psc_essential_fail(search, directory, "read", -errno);
	fd = -1;
	while (r >= 0 && (errno = 0, entry = readdir(folder))) {
		if (entry->d_name[0] != '.' && fnmatch(pattern, entry->d_name, 0) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) <
			    (int)sizeof(path))
			r = take(path, data);
	}
	if (r >= 0 && errno)
		r = psc_essential_fail(search, directory, "read", -errno);
	closedir(folder);
	return r;
}

int psc_essential_words(struct psc_essential_search *search, const char *path, enum psc_words kind,
			psc_words_take take, void *data)
{
	_cleanup_free_ char *text = NULL;
	int r = psc_sysroot_text(&search->root, path, PSC_ESSENTIAL_TEXT_MAX, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return psc_essential_fail(search, path, "read", r);
	return psc_words_each(kind, text, take, data);
}

static int take_program(const char *path, void *data)
{
	return psc_essential_add(data, path, PSC_ESSENTIAL_NONE, PSC_ESSENTIAL_PROGRAM);
}

static int take_module(const char *path, void *data)
{
	return psc_essential_add(data, path, PSC_ESSENTIAL_NONE, PSC_ESSENTIAL_LOADED);
}

static int take_folder(struct psc_essential_search *search, const char *directory,
		       const char *pattern)
{
	size_t length = strlen(pattern);
	bool modules = length > 3 && strcmp(pattern + length - 3, ".so") == 0;

	return psc_essential_each(search, directory, pattern, modules ? take_module : take_program,
				  search);
}

/* ---- login ------------------------------------------------------------------------------ */

static int take_pam_module(const char *word, void *data)
{
	struct psc_essential_search *search = data;
	char name[NAME_MAX + sizeof("security/")];
	int r = 0;

	if (word[0] == '/')
		return take_module(word, data);
	if (snprintf(name, sizeof(name), "security/%s", word) >= (int)sizeof(name))
		return 0;
	for (size_t i = 0; i < search->system_directories && r >= 0; i++)
		r = psc_essential_add_in(search, search->directory[i].path, name,
					 PSC_ESSENTIAL_NONE, PSC_ESSENTIAL_LOADED);
	return r;
}

static int take_pam_file(const char *path, void *data)
{
	return psc_essential_words(data, path, PSC_WORDS_MODULES, take_pam_module, data);
}

static int take_sudo_plugin(const char *word, void *data)
{
	int r = 0;

	if (word[0] == '/')
		return take_module(word, data);
	for (size_t i = 0; i < ARRAY_SIZE(sudo_folders) && r >= 0; i++)
		r = psc_essential_add_in(data, sudo_folders[i], word, PSC_ESSENTIAL_NONE,
					 PSC_ESSENTIAL_LOADED);
	return r;
}

static int take_service(const char *word, void *data)
{
	char name[NAME_MAX];

	if (snprintf(name, sizeof(name), "libnss_%s.so.2", word) >= (int)sizeof(name))
		return 0;
	return psc_essential_need(data, name, PSC_ESSENTIAL_NONE);
}

/* Which modules are loaded is for the configuration to say, and only those are needed. */
static int find_login(struct psc_essential_search *search)
{
	/* what glibc takes where nsswitch.conf says nothing */
	static const char *const services[] = {"files", "dns", "compat"};
	int r = psc_essential_words(search, "/etc/pam.conf", PSC_WORDS_MODULES, take_pam_module,
				    search);

	for (size_t i = 0; i < ARRAY_SIZE(pam_folders) && r >= 0; i++)
		r = psc_essential_each(search, pam_folders[i], "*", take_pam_file, search);
	if (r >= 0)
		r = psc_essential_words(search, "/etc/sudo.conf", PSC_WORDS_MODULES,
					take_sudo_plugin, search);
	for (size_t i = 0; i < ARRAY_SIZE(services) && r >= 0; i++)
		r = take_service(services[i], search);
	if (r >= 0)
		r = psc_essential_words(search, "/etc/nsswitch.conf", PSC_WORDS_SERVICES,
					take_service, search);
	if (r >= 0)
		r = psc_essential_words(search, "/etc/shells", PSC_WORDS_SHELLS, take_program,
					search);
	if (r >= 0)
		r = psc_essential_words(search, "/etc/passwd", PSC_WORDS_ROOT_SHELLS, take_program,
					search);
	return r;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool is_of_process(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0;
}

static int find_by_name(struct psc_essential_search *search)
{
	bool host = psc_sysroot_is_host(&search->root);
	int r = 0;

	for (size_t i = 0; psc_essential_programs[i] && r >= 0; i++) {
		/* what runs here is no matter of another host */
		if (host || !is_of_process(psc_essential_programs[i]))
			r = psc_essential_add_program(search, psc_essential_programs[i],
						      PSC_ESSENTIAL_NONE);
	}
	for (size_t i = 0; psc_essential_folders[i].path && r >= 0; i++)
		r = take_folder(search, psc_essential_folders[i].path,
				psc_essential_folders[i].pattern);
	for (size_t i = 0; psc_essential_libraries[i] && r >= 0; i++)
		r = psc_essential_need(search, psc_essential_libraries[i], PSC_ESSENTIAL_NONE);
	return r;
}

static int find_below_libraries(struct psc_essential_search *search)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < search->system_directories && r >= 0; i++) {
		for (size_t k = 0; psc_essential_library_folders[k].path && r >= 0; k++) {
			if (snprintf(path, sizeof(path), "%s/%s", search->directory[i].path,
				     psc_essential_library_folders[k].path) < (int)sizeof(path))
				r = take_folder(search, path,
						psc_essential_library_folders[k].pattern);
		}
	}
	return r;
}

int psc_essential_find(const char *root, struct psc_essential **ret, struct psc_error *reterr)
{
	_cleanup_(clear_search) struct psc_essential_search search = {.root = PSC_SYSROOT_NONE};
	struct psc_error unwanted;
	int r;

	search.reterr = reterr ?: &unwanted;
	search.found = calloc(1, sizeof(*search.found));
	if (!search.found)
		return psc_essential_fail(&search, root, "searched", -ENOMEM);
	r = psc_sysroot_open(root, &search.root);
	if (r < 0)
		return psc_essential_fail(&search, root, "searched", r);
	r = psc_essential_find_directories(&search);
	if (r >= 0)
		r = find_by_name(&search);
	if (r >= 0)
		r = find_below_libraries(&search);
	if (r >= 0)
		r = find_login(&search);
	if (r >= 0)
		r = psc_essential_follow(&search);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(search.found);
	return 0;
}
