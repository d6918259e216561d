/*
 * mem: heap memory that is never NULL. When memory is out the process ends with
 * one line: a relay that goes on without memory would guess. So every size that
 * a peer can choose is bounded before it comes here. What these return is
 * given back with free().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
/* `n` times `size` bytes of zero; an overflowing product aborts. */
void *mem_zalloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
void *mem_dup(const void *p, size_t size);
char *mem_strdup(const char *text);
/* Like asprintf(). */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Overwrites in a way that the compiler does not remove. */
void mem_wipe(void *p, size_t size);

#define MEM_NEW(type) ((type *)mem_zalloc(1, sizeof(type)))

/* A password or key: cleared means wiped. Never formatted, never logged. */
struct secret {
	char *data; /* owned; NUL behind it */
	size_t len;
};

void secret_set(struct secret *s, const char *data, size_t len);
void secret_clear(struct secret *s);

#endif
