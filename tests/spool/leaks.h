/*
 * leaks: counts what the process holds, heap blocks and descriptors, so that a
 * case can say that it gave back all it took. Every block counts, those of
 * libraries too. Under AddressSanitizer, which has an allocator of its own, its
 * search for leaks takes the place of the count.
 *
 * Included by one file of a program: it brings the program's malloc().
 */
#ifndef TESTS_SPOOL_LEAKS_H
#define TESTS_SPOOL_LEAKS_H

#include <check.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_BY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_BY_SANITIZER 1
#endif
#endif

struct leaks {
	long blocks, descriptors;
};

#ifdef LEAKS_BY_SANITIZER

#include <sanitizer/lsan_interface.h>

static inline long
leaks_blocks(void)
{
	return 0;
}

static inline bool
leaks_found(void)
{
	return __lsan_do_recoverable_leak_check() != 0;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static atomic_long leaks_count;

static inline void *
leaks_counted(void *p)
{
	if (p != NULL)
		(void)atomic_fetch_add(&leaks_count, 1);
	return p;
}

void *
malloc(size_t size)
{
	return leaks_counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return leaks_counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *q;

	if (p == NULL)
		return malloc(size);
	q = __libc_realloc(p, size);
	if (q == NULL && size == 0)
		(void)atomic_fetch_sub(&leaks_count, 1);
	return q;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return leaks_counted(__libc_memalign(alignment, size));
}

int
posix_memalign(void **p, size_t alignment, size_t size)
{
	*p = aligned_alloc(alignment, size);
	return *p == NULL;
}

void
free(void *p)
{
	if (p != NULL)
		(void)atomic_fetch_sub(&leaks_count, 1);
	__libc_free(p);
}

static inline long
leaks_blocks(void)
{
	return atomic_load(&leaks_count);
}

/* The count finds them. */
static inline bool
leaks_found(void)
{
	return false;
}

#endif

static inline long
leaks_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	long n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static inline struct leaks
leaks_now(void)
{
	return (struct leaks){ .blocks = leaks_blocks(),
		.descriptors = leaks_descriptors() };
}

/* Asserts that nothing is held that was not held then. */
static inline void
leaks_expect(const struct leaks *before)
{
	struct leaks now = leaks_now();

	ck_assert_msg(now.descriptors == before->descriptors,
	    "%ld descriptors left open", now.descriptors - before->descriptors);
	ck_assert_msg(now.blocks == before->blocks, "%ld blocks not freed",
	    now.blocks - before->blocks);
	ck_assert_msg(!leaks_found(), "the sanitizer found leaks");
}

#endif
