#include "prepare/prepare.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/hostname.h"
#include "prepare_priv.h"

struct conf *
prepare_read(const char *file, struct findings *f)
{
	char name[256], why[WHY_SIZE];

	if (why_denied(file, why, sizeof why)[0] != '\0') {
		findings_add(f, FINDING_ERROR,
		    "%s: %s%s; or name another configuration with -c", file,
		    strerror(EACCES), why);
		return NULL;
	}
	hostname_of_system(name, sizeof name);
	return conf_read_all(file, name, f);
}

void
prepare_look(const struct conf *conf, long pid, struct findings *f)
{
	static void (*const looks[])(const struct look *l) = {
		look_at_certificates,
		look_at_accounts,
		look_at_aliases,
		look_at_countries,
		look_at_spool,
		look_at_state,
		look_at_log,
		look_at_sockets,
		look_at_ports,
		look_at_http,
		look_at_routes,
		look_at_resolver,
		look_at_filters,
		look_at_descriptors,
	};
	struct look l = { conf, pid, f };

	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		looks[i](&l);
}

/* What is in order names no place: nothing is to be done there. */
void
look_found(const struct look *l, enum finding_level level, const char *key,
    int line, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	if (level != FINDING_OK && line > 0)
		(void)buf_printf(&text, "%s:%d: ", l->conf->file, line);
	else if (level != FINDING_OK)
		(void)buf_printf(&text, "%s: ", l->conf->file);
	(void)buf_printf(&text, "%s%s ", key,
	    level != FINDING_OK && line == 0 ? " (default)" : "");
	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	findings_add(l->findings, level, "%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

void
look_said(const struct look *l, enum finding_level level, int line,
    const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	(void)buf_append_text(&text, l->conf->file);
	if (line > 0)
		(void)buf_printf(&text, ":%d", line);
	(void)buf_append_text(&text, ": ");
	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	findings_add(l->findings, level, "%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

static void
name_of(uid_t uid, char out[64])
{
	struct passwd entry, *found = NULL;
	char room[4096];

	if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 &&
	    found != NULL)
		(void)snprintf(out, 64, "%s", found->pw_name);
	else
		(void)snprintf(out, 64, "user %u", (unsigned)uid);
}

const char *
whose(const char *path, char *out, size_t size)
{
	char owner[64], us[64], *above;
	struct stat st;
	int rc = stat(path, &st);

	out[0] = '\0';
	/* What is in a folder that lets nobody in cannot be seen at all. */
	if (rc == -1 && errno == EACCES) {
		above = folder_of(path);
		if (strcmp(above, path) != 0)
			(void)whose(above, out, size);
		free(above);
	}
	if (rc == -1)
		return out;
	name_of(st.st_uid, owner);
	name_of(geteuid(), us);
	if (st.st_uid == geteuid())
		(void)snprintf(out, size, " (%s has mode %04o: chmod u+rwX %s)",
		    path, (unsigned)st.st_mode & 07777, path);
	else
		(void)snprintf(out, size,
		    " (%s belongs to %s, mode %04o, and this runs as %s: chown "
		    "%s %s, or run as %s)",
		    path, owner, (unsigned)st.st_mode & 07777, us, us, path,
		    owner);
	return out;
}

const char *
why_denied(const char *path, char *out, size_t size)
{
	out[0] = '\0';
	return access(path, R_OK) == -1 && errno == EACCES
		   ? whose(path, out, size)
		   : out;
}

char *
folder_of(const char *path)
{
	struct span all = span_text(path);
	size_t slash;

	while (all.len > 1 && all.ptr[all.len - 1] == '/')
		all.len--;
	slash = span_find_last(all, '/');
	if (slash == all.len)
		return mem_strdup(".");
	return span_dup(span_to(all, slash == 0 ? 1 : slash));
}
