#include "io/password_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { PASSWORD_MOST = 1023 };

/* One line, whatever its end is, and whether it has one. */
static struct span
line_of(struct span text)
{
	while (text.len > 0 && (text.ptr[text.len - 1] == '\n' ||
				   text.ptr[text.len - 1] == '\r'))
		text.len--;
	return text;
}

/* What a login cannot carry (RFC 4616), and what is no single line. */
static bool
is_password(struct span line)
{
	return line.len > 0 && line.len <= PASSWORD_MOST &&
	       memchr(line.ptr, '\0', line.len) == NULL &&
	       memchr(line.ptr, '\n', line.len) == NULL;
}

static int
take(struct span line, struct secret *out, struct err *err)
{
	if (!is_password(line))
		return err_set(err, -EINVAL,
		    "expected the password in one line of 1 to %d bytes",
		    PASSWORD_MOST);
	secret_set(out, line.ptr, line.len);
	return 0;
}

int
password_file_read(const char *file, struct secret *out, struct err *err)
{
	char text[PASSWORD_MOST + 3]; /* a line end, and a byte too many */
	int fd = file_open(file, err), rc = fd;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (fd >= 0 && n < 0)
		rc = err_errno(err, "read");
	if (n >= 0)
		rc = take(line_of(span_make(text, (size_t)n)), out, err);
	if (fd >= 0)
		(void)close(fd);
	mem_wipe(text, sizeof text);
	return rc < 0 ? err_wrap(err, -1, "password-file %s", file) : 0;
}
