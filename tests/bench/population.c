/* SPDX-License-Identifier: Apache-2.0 */
/*
 * population.c - the sizes of a system's ELF files and scripts: how many of them a list
 * of a million digests hits by accident. Used by hand and, in the guest, by scale.sh:
 *
 *   population histogram DIR...           lines "kind,size,count" of the ELF files and scripts
 *   population draw FILE COUNT SEED [as-is|shuffled]
 *                                         a list of made-up digests, as CSV, their sizes drawn
 *                                         from such lines; by digest, unless shuffled
 *   population rate LIST DIR...           how many files and bytes the guard would digest
 *   population map DIR...                 maps every ELF file and script for execution
 *
 * `rate` compiles the list with the daemon's code and asks the filter as the kernel does.
 * Hard links count once; symbolic links and other file systems are not followed.
 */
#include "user/core/util.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/core/compile.h"
#include "user/core/config.h"
#include "user/core/list.h"

enum kind { ELF = 0, SCRIPT = 1, OTHER = 2, KINDS = 3 };

static const char *const kinds[] = {"elf", "script", "other"};

struct file {
	dev_t device;
	ino_t inode;
	uint64_t size;
	enum kind kind;
};

struct files {
	struct file *at;
	size_t count;
};

/* ---- the files of a system --------------------------------------------------------- */

/* How execve(2) tells them apart. */
static enum kind kind_of(int fd)
{
	char head[4];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n == 4 && !memcmp(head, "\177ELF", 4))
		return ELF;
	return n >= 2 && !memcmp(head, "#!", 2) ? SCRIPT : OTHER;
}

static int open_file(const FTSENT *entry)
{
	int fd = open(entry->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		warn("%s", entry->fts_path);
	return fd;
}

/* Calls @fn with every regular file that is not empty, opened. */
static void walk(char **directories, void (*fn)(int fd, const struct stat *st, void *data),
		 void *data)
{
	FTS *fts =
		fts_open(directories, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	if (!fts)
		err(1, "%s", directories[0]);
	while ((entry = fts_read(fts))) {
		_cleanup_close_ int fd = -1;

		if (entry->fts_info != FTS_F || !S_ISREG(entry->fts_statp->st_mode) ||
		    entry->fts_statp->st_size == 0)
			continue;
		fd = open_file(entry);
		if (fd >= 0)
			fn(fd, entry->fts_statp, data);
	}
	fts_close(fts);
}

static void keep(int fd, const struct stat *st, void *data)
{
	struct files *files = data;

	if (!(files->count & (files->count - 1))) {
		files->at = reallocarray(files->at, files->count ? 2 * files->count : 1,
					 sizeof(*files->at));
		if (!files->at)
			err(1, "files");
	}
	files->at[files->count++] = (struct file){st->st_dev, st->st_ino, st->st_size, kind_of(fd)};
}

static int by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

static int by_size(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static void collect(char **directories, struct files *ret)
{
	size_t kept = 0;

	*ret = (struct files){0};
	walk(directories, keep, ret);
	if (!ret->count)
		errx(1, "no file was found");
	qsort(ret->at, ret->count, sizeof(*ret->at), by_inode);
	for (size_t i = 0; i < ret->count; i++)
		if (i == 0 || by_inode(&ret->at[i], &ret->at[i - 1]))
			ret->at[kept++] = ret->at[i];
	ret->count = kept;
	qsort(ret->at, ret->count, sizeof(*ret->at), by_size);
}

static int histogram(char **directories)
{
	struct files files;

	collect(directories, &files);
	puts("kind,size,count");
	for (size_t i = 0, next; i < files.count && files.at[i].kind != OTHER; i = next) {
		for (next = i; next < files.count && !by_size(&files.at[i], &files.at[next]);)
			next++;
		printf("%s,%" PRIu64 ",%zu\n", kinds[files.at[i].kind], files.at[i].size, next - i);
	}
	free(files.at);
	return 0;
}

/* ---- a list drawn from a histogram --------------------------------------------------- */

struct step {
	enum kind kind;
	uint64_t size;
	uint64_t below; /* files before this step */
};

struct steps {
	struct step *at;
	size_t count;
	uint64_t files;
};

static void read_steps(const char *path, struct steps *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[128], name[16];
	uint64_t size, count;
	size_t room = 0;

	*ret = (struct steps){0};
	if (!f)
		err(1, "%s", path);
	for (unsigned int n = 1; fgets(line, sizeof(line), f); n++) {
		if (line[0] == '#' || !strcmp(line, "kind,size,count\n"))
			continue;
		if (sscanf(line, "%15[^,],%" SCNu64 ",%" SCNu64, name, &size, &count) != 3 ||
		    (strcmp(name, kinds[ELF]) && strcmp(name, kinds[SCRIPT])))
			errx(1, "%s:%u: expected kind,size,count", path, n);
		if (ret->count == room) {
			room = room ? 2 * room : 1024;
			ret->at = reallocarray(ret->at, room, sizeof(*ret->at));
			if (!ret->at)
				err(1, "%s", path);
		}
		ret->at[ret->count++] =
			(struct step){strcmp(name, kinds[ELF]) ? SCRIPT : ELF, size, ret->files};
		ret->files += count;
	}
	if (!ret->files)
		errx(1, "%s: holds no sizes", path);
}

/* splitmix64: the same list for the same seed, everywhere. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

/*
 * The size of a file that is drawn, and unless @as_is somewhere between it and the next
 * larger one, since a million files have more sizes than some thousand. An ELF file ends
 * with its section table, whose place and length are multiples of 8.
 */
static uint64_t draw_size(const struct steps *steps, uint64_t *state, bool as_is, enum kind *ret)
{
	uint64_t file = draw(state) % steps->files;
	size_t low = 0, high = steps->count;
	const struct step *step, *next;
	uint64_t size;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (steps->at[middle].below <= file)
			low = middle;
		else
			high = middle;
	}
	step = &steps->at[low];
	next = step + 1;
	*ret = step->kind;
	size = step->size;
	if (!as_is && low + 1 < steps->count && next->kind == step->kind) {
		size += draw(state) % (next->size - step->size);
		if (step->kind == ELF && size - size % 8 >= step->size)
			size -= size % 8;
	}
	return size;
}

struct drawn {
	uint64_t digest[4];
	uint64_t size;
	enum kind kind;
};

static int by_digest(const void *a, const void *b)
{
	const struct drawn *x = a, *y = b;

	for (int i = 0; i < 4; i++)
		if (x->digest[i] != y->digest[i])
			return x->digest[i] < y->digest[i] ? -1 : 1;
	return 0;
}

static int draw_list(const char *path, size_t count, uint64_t seed, const char *mode)
{
	_cleanup_free_ struct drawn *drawn = calloc(count, sizeof(*drawn));
	struct steps steps;

	if (!drawn)
		err(1, "list");
	read_steps(path, &steps);
	for (size_t i = 0; i < count; i++) {
		drawn[i].size = draw_size(&steps, &seed, !strcmp(mode, "as-is"), &drawn[i].kind);
		for (int word = 0; word < 4; word++)
			drawn[i].digest[word] = draw(&seed);
	}
	if (strcmp(mode, "shuffled"))
		qsort(drawn, count, sizeof(*drawn), by_digest);
	puts(PSC_LIST_HEADER);
	for (size_t i = 0; i < count; i++)
		printf("sha256,%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 ",%" PRIu64
		       ",%s,,synthetic,,made up\n",
		       drawn[i].digest[0], drawn[i].digest[1], drawn[i].digest[2],
		       drawn[i].digest[3], drawn[i].size, kinds[drawn[i].kind]);
	free(steps.at);
	return fflush(stdout) ? 1 : 0;
}

/* ---- how much of a system a list hits ------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The sizes of the list, each once; what is listed for opens only counts as well. */
static uint64_t *listed_sizes(const struct psc_list *list, size_t *ret_count)
{
	size_t count = psc_list_count(list), kept = 0;
	uint64_t *sizes = calloc(count + 1, sizeof(*sizes));

	if (!sizes)
		err(1, "sizes");
	for (size_t i = 0; i < count; i++) {
		struct psc_list_entry entry;

		psc_list_get(list, i, &entry);
		sizes[i] = entry.size;
	}
	qsort(sizes, count, sizeof(*sizes), by_number);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || sizes[i] != sizes[i - 1])
			sizes[kept++] = sizes[i];
	*ret_count = kept;
	return sizes;
}

static struct psc_image *compile(const struct psc_list *list)
{
	static const uint8_t canary[PSC_DIGEST_SIZE];
	struct psc_config *config = NULL;
	struct psc_image *image = NULL;
	struct psc_error error = {0};

	if (psc_config_new(&config) < 0 ||
	    psc_compile(list, config, canary, UINT32_MAX, &image, &error) < 0)
		errx(1, "%s", error.message);
	psc_config_free(config);
	return image;
}

struct share {
	uint64_t files, bytes;
};

static void add(struct share *share, const struct file *file)
{
	share->files++;
	share->bytes += file->size;
}

static void print_share(const char *name, const struct share *share, const char *end)
{
	printf("\"%s\":{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}%s", name, share->files,
	       share->bytes, end);
}

static int rate(const char *path, char **directories)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct share all[KINDS] = {0}, exact[KINDS] = {0}, chance[KINDS] = {0};
	_cleanup_free_ uint64_t *sizes = NULL;
	struct psc_error error = {0};
	struct files files;
	size_t distinct;

	if (psc_list_new(&list) < 0 || psc_list_load_file(list, path, &error) < 0)
		errx(1, "%s", error.message);
	image = compile(list);
	sizes = listed_sizes(list, &distinct);
	collect(directories, &files);
	for (size_t i = 0; i < files.count; i++) {
		const struct file *file = &files.at[i];

		add(&all[file->kind], file);
		if (!psc_image_filter(image, PSC_FILTER_EXEC, file->size))
			continue;
		if (bsearch(&file->size, sizes, distinct, sizeof(*sizes), by_number))
			add(&exact[file->kind], file);
		else
			add(&chance[file->kind], file);
	}
	free(files.at);
	printf("{\"digests\":%zu,\"sizes\":%zu", psc_list_count(list), distinct);
	for (int i = 0; i < KINDS; i++) {
		printf(",\"%s\":{", kinds[i]);
		print_share("all", &all[i], ",");
		print_share("size_listed", &exact[i], ",");
		print_share("filter_only", &chance[i], "}");
	}
	puts("}");
	return 0;
}

/* ---- a system that executes everything it has ------------------------------------------ */

static void map_file(int fd, const struct stat *st, void *data)
{
	struct share *share = data;
	void *p;

	if (kind_of(fd) == OTHER)
		return;
	p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err(1, "a mapping");
	munmap(p, 1);
	share->files++;
	share->bytes += st->st_size;
}

static int map(char **directories)
{
	struct share share = {0};

	walk(directories, map_file, &share);
	printf("{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", share.files, share.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc == 6 ? argv[5] : "";

	if (argc > 2 && !strcmp(argv[1], "histogram"))
		return histogram(argv + 2);
	if (argc > 3 && !strcmp(argv[1], "rate"))
		return rate(argv[2], argv + 3);
	if (argc > 2 && !strcmp(argv[1], "map"))
		return map(argv + 2);
	if ((argc == 5 || !strcmp(mode, "as-is") || !strcmp(mode, "shuffled")) &&
	    !strcmp(argv[1], "draw"))
		return draw_list(argv[2], strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
				 mode);
	fputs("usage: population histogram DIR... | draw FILE COUNT SEED [as-is|shuffled]\n"
	      "       population rate LIST DIR... | map DIR...\n",
	      stderr);
	return 2;
}
