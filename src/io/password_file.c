#include "io/password_file.h"

#include <stdio.h>

#include "base/mem.h"

enum { PASSWORD_MAX = 1024 };

int
password_file_read(const char *file, struct secret *out, struct err *err)
{
	char text[PASSWORD_MAX];
	FILE *f = fopen(file, "re");
	size_t n;

	if (f == NULL)
		return err_errno(err, "password-file %s", file);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n == 0 || n == sizeof text)
		return err_set(err, -1,
		    "password-file %s: one line of 1 to "
		    "1023 bytes is expected",
		    file);
	secret_set(out, text, n);
	mem_wipe(text, sizeof text);
	return 0;
}
