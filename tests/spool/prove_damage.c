/*
 * prove_damage: a spool whose files were changed by somebody else. Whatever is
 * flipped, zeroed, cut, removed or put beside: a start ends, what it gives out
 * is as it was handed in, and what it cannot read is told and left out.
 * PROVE_MUTATIONS (300) and PROVE_SEED (1) say how many, and which.
 */
#include <inttypes.h>

#include "fixture.h"
#include "spool/offline.h"

enum { MESSAGES = 40, MUTATIONS = 300, LONGEST = 9000 };

static struct box box;
static uint64_t ids[MESSAGES], random_now;
static char *pristine;
static unsigned altered, seen;

static unsigned
draw(unsigned below)
{
	random_now =
	    random_now * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_now >> 33) % below;
}

static char *
body_of(unsigned n)
{
	size_t len = n % 7 == 3 ? LONGEST : 100 + n * 31;
	char *body = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + (n + i / 5) % 26);
	body[len] = '\0';
	return body;
}

static void
copy_tree(const char *from, const char *to)
{
	char *command = mem_printf("cp -a '%s' '%s'", from, to);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void
setup(void)
{
	box_init(&box);
	box.options.segment_size = 32 * 1024;
	box.options.inline_max = 4000;
	ck_assert(box_open(&box));
	for (unsigned i = 0; i < MESSAGES; i++) {
		char *body = body_of(i);

		ids[i] = box_store(&box, body);
		ck_assert_uint_ne(ids[i], 0);
		if (i % 4 == 1)
			spool_done(box.spool, ids[i - 1]);
		free(body);
	}
	box_close(&box);
	pristine = mem_printf("%s.pristine", box.directory);
	copy_tree(box.directory, pristine);
	remove_tree(box.directory);
}

static void
teardown(void)
{
	remove_tree(pristine);
	free(pristine);
	box_clear(&box);
}

/* One of the files below journal/ or content/, by chance. */
static char *
some_file(void)
{
	static const char *const folders[] = { "journal", "content" };
	const char *folder = folders[draw(4) == 0];
	char *path = mem_printf("%s/%s", box.directory, folder), *found = NULL;
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || draw(++n) != 0)
			continue;
		free(found);
		found = mem_printf("%s/%s", path, entry->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(path);
	return found;
}

static void
change_bytes(int fd, off_t size, bool zero)
{
	size_t len = zero ? 1 + draw(6000) : 1 + draw(4);
	off_t at = size == 0 ? 0 : (off_t)(draw((unsigned)size));
	char bytes[6000];

	(void)!pread(fd, bytes, len, at);
	for (size_t i = 0; i < len; i++)
		bytes[i] = zero ? '\0' : (char)(bytes[i] ^ (1 << draw(8)));
	if (at + (off_t)len > size)
		len = (size_t)(size - at);
	(void)!pwrite(fd, bytes, len, at);
}

static void
put_foreign(void)
{
	static const char *const names[] = { "journal/00000099", "journal/x",
		"journal/00000000", "content/zzzz", "content/..x",
		"journal/spare-1", "lost+found", "journal/99999999999999999" };
	char *path =
	    mem_printf("%s/%s", box.directory, names[draw(ARRAY_LEN(names))]);
	FILE *f = fopen(path, "we");

	for (unsigned i = draw(9000); f != NULL && i > 0; i--)
		(void)fputc((int)draw(256), f);
	if (f != NULL)
		(void)fclose(f);
	free(path);
}

static void
mutate(void)
{
	char *path = some_file();
	struct stat st = { 0 };
	int fd;

	if (path == NULL || draw(10) == 0) {
		put_foreign();
		free(path);
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	(void)fstat(fd, &st);
	switch (draw(8)) {
	case 0: (void)unlink(path); break;
	case 1:
		(void)!ftruncate(fd, (off_t)draw((unsigned)st.st_size + 1));
		break;
	case 2: change_bytes(fd, st.st_size, true); break;
	default: change_bytes(fd, st.st_size, false); break;
	}
	(void)close(fd);
	free(path);
}

static int
on_visit(const struct envelope *env, const struct progress *rows,
    uint32_t flags, const struct content *content, void *arg)
{
	char *text = content_text(content), *body;
	bool known = false;

	(void)rows, (void)flags, (void)arg;
	for (unsigned i = 0; i < MESSAGES && !known; i++) {
		if (ids[i] != env->id)
			continue;
		known = true;
		body = body_of(i);
		altered +=
		    strlen(text) < strlen(body) ||
		    strcmp(text + strlen(text) - strlen(body), body) != 0 ||
		    strcmp(env->rcpts[0].address, "one@example.test") != 0;
		free(body);
	}
	altered += !known;
	seen++;
	free(text);
	return 0;
}

static void
try_one(void)
{
	struct spool_summary s;
	struct err err;

	copy_tree(pristine, box.directory);
	for (unsigned n = 1 + draw(3); n > 0; n--)
		mutate();
	(void)spool_inspect(box.directory, on_visit, NULL, &s, &err);
	/* A spool that cannot be used says so; one that can takes mail. */
	if (box_open(&box)) {
		ck_assert_uint_ne(box_store(&box, "after"), 0);
		for (unsigned i = 0; i < MESSAGES; i++)
			if (box_loaded(&box, ids[i]) != NULL) {
				struct answer a = box_fetch(&box, ids[i]);

				content_unref(a.content);
			}
		box_close(&box);
	}
	remove_tree(box.directory);
}

START_TEST(a_changed_spool_never_gives_out_an_altered_message)
{
	const char *text = getenv("PROVE_MUTATIONS");
	const char *seed = getenv("PROVE_SEED");
	unsigned long n = text == NULL ? MUTATIONS : strtoul(text, NULL, 10);

	random_now = seed == NULL ? 1 : strtoul(seed, NULL, 10);
	for (unsigned long i = 0; i < n; i++)
		try_one();
	(void)printf("# damaged spools: %lu mutated, %u messages read back: "
		     "%lu passed, %u failed\n",
	    n, seen, n - (altered > n ? n : altered), altered);
	(void)fflush(stdout);
	ck_assert_uint_eq(altered, 0);
	ck_assert_uint_gt(seen, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 3600);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_changed_spool_never_gives_out_an_altered_message);
}

SUITE_MAIN("prove_damage", fill)
