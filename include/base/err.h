/*
 * err: why a call failed, told by each level in turn: the deepest says what the
 * system refused, the ones above say what they wanted it for. The text is for
 * an operator: what, which, why. Functions that take a `struct err` return 0 or
 * a negative code (-errno where there is one).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[512];
};

/* The start of the story. Returns `rc`, which must be negative. */
int err_set(struct err *err, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with strerror(errno) behind it; returns -errno. */
int err_errno(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts "what: " before the text that is there. Returns `rc`. */
int err_wrap(struct err *err, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
