#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, int rc, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(err->text, sizeof err->text, format, ap);
	va_end(ap);
	return rc;
}

int
err_errno(struct err *err, const char *format, ...)
{
	int saved = errno;
	char what[384], why[96];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	(void)snprintf(err->text, sizeof err->text, "%s: %s", what,
	    strerror_r(saved, why, sizeof why));
	return saved == 0 ? -EIO : -saved;
}

int
err_wrap(struct err *err, int rc, const char *format, ...)
{
	struct err below = *err;
	char what[256];
	va_list ap;
	size_t n;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	n = strlen(what);
	(void)memcpy(err->text, what, n);
	(void)snprintf(
	    err->text + n, sizeof err->text - n, ": %.250s", below.text);
	return rc;
}
