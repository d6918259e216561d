/*
 * What stands in for libFuzzer in a normal build: every file of the target's
 * corpus goes in, and every beginning of it. The target is known by the
 * program's name: fuzz_NAME reads tests/fuzz/corpus/NAME. One TAP line a file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 1 << 20 };

static uint8_t content[FILE_MAX];

/* In memory of just that size, so that a byte too far is noticed. */
static void
run(size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		abort();
	memcpy(copy, content, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int
run_file(const char *folder, const char *name)
{
	char path[1024];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	n = fread(content, 1, sizeof content, file);
	(void)fclose(file);
	for (size_t size = 0; size <= n; size++)
		run(size);
	return 0;
}

static int
is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	const char *name = argc > 0 ? strstr(argv[0], "fuzz_") : NULL;
	struct dirent **files;
	char folder[512];
	int n, failed = 0;

	if (name == NULL)
		return EXIT_FAILURE;
	(void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s",
	    top == NULL ? "." : top, name + strlen("fuzz_"));
	n = scandir(folder, &files, is_file, alphasort);
	if (n <= 0) {
		(void)printf("1..1\nnot ok 1 - %s is empty\n", folder);
		return EXIT_FAILURE;
	}
	(void)printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		int rc = run_file(folder, files[i]->d_name);

		(void)printf("%sok %d - %s\n", rc == 0 ? "" : "not ", i + 1,
		    files[i]->d_name);
		(void)fflush(stdout);
		failed += rc != 0;
		free(files[i]);
	}
	free(files);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
