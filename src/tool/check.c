/*
 * postern check: the configuration, and whether what it names can be used.
 * Every finding is a line; all are looked for before it ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/users.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/hostname.h"
#include "io/tls.h"
#include "tool.h"

struct findings {
	json_t *all; /* NULL: printed as they come */
	int errors, warnings;
};

__attribute__((format(printf, 3, 4))) static void
find(struct findings *f, const char *level, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	(void)buf_append_char(&text, '\0');
	f->errors += strcmp(level, "error") == 0;
	f->warnings += strcmp(level, "warning") == 0;
	if (f->all != NULL)
		(void)json_array_append_new(
		    f->all, json_pack("{s:s, s:s}", "level", level, "what",
				buf_span(&text).ptr));
	else
		(void)printf("%s: %s\n", level, buf_span(&text).ptr);
	buf_clear(&text);
}

static void
check_secret_file(struct findings *f, const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		find(f, "error", "%s %s: %s", what, path, strerror(errno));
	else if ((st.st_mode & 077) != 0)
		find(f, "error",
		    "%s %s: mode %04o lets others read it; "
		    "chmod 600",
		    what, path, (unsigned)st.st_mode & 07777);
}

static void
check_tls(struct findings *f, const struct conf *conf)
{
	struct tls_server *tls;
	struct err err;
	int days;

	tls = tls_server_new(conf, &err);
	if (tls == NULL) {
		find(f, "error", "%s", err.text);
		return;
	}
	days = tls_server_days_left(tls);
	if (days < 0)
		find(f, "error", "tls.certificate: ended %d days ago", -days);
	else if (days < 14)
		find(f, "warning", "tls.certificate: ends in %d days", days);
	else
		find(f, "ok", "certificate: %d days left", days);
	for (size_t i = 0; i < conf->ncertificates; i++)
		check_secret_file(f, "tls.key", conf->certificates[i].key);
	tls_server_unref(tls);
}

static void
check_users(struct findings *f, const struct conf *conf)
{
	struct users *users;
	struct err err;

	if (conf->backend != AUTH_BACKEND_USERS) {
		find(f, "ok", "accounts: Cyrus SASL's (auth.backend)");
		return;
	}
	users = users_read(conf->users, &err);
	if (users == NULL) {
		find(f, "error", "%s", err.text);
		return;
	}
	if (users_count(users) == 0)
		find(f, "warning",
		    "auth.users %s: no account; nobody can "
		    "log in (postern user add NAME)",
		    conf->users);
	else
		find(f, "ok", "accounts: %zu", users_count(users));
	users_free(users);
}

static void
check_directory(struct findings *f, const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1 && errno == ENOENT)
		find(f, "ok", "%s %s: will be made", what, path);
	else if (stat(path, &st) == -1)
		find(f, "error", "%s %s: %s", what, path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		find(f, "error", "%s %s: not a directory", what, path);
	else if ((st.st_mode & 077) != 0)
		find(f, "warning",
		    "%s %s: mode %04o lets others in; "
		    "chmod 700",
		    what, path, (unsigned)st.st_mode & 07777);
	else if (access(path, W_OK | X_OK) == -1)
		find(f, "error", "%s %s: %s", what, path, strerror(errno));
	else
		find(f, "ok", "%s %s", what, path);
}

static void
check_socket_directory(struct findings *f, const char *socket)
{
	char *path = mem_strdup(socket), *slash = strrchr(path, '/');
	struct stat st;

	if (lstat(socket, &st) == 0 && !S_ISSOCK(st.st_mode))
		find(f, "error",
		    "control.socket %s: there is something else, expected a "
		    "socket or nothing; name another path, or move it away",
		    socket);

	if (slash != NULL && slash != path) {
		*slash = '\0';
		if (access(path, W_OK | X_OK) == -1)
			find(f, "error", "control.socket: directory %s: %s",
			    path, strerror(errno));
	}
	free(path);
}

static void
check_routes(struct findings *f, const struct conf *conf)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < conf->nroutes; i++) {
		const struct conf_route *r = &conf->routes[i];

		conf_route_say(r, &text);
		find(f, "ok", "%.*s", SPAN_ARG(buf_span(&text)));
		buf_reset(&text);
		if (r->password_file != NULL)
			check_secret_file(
			    f, "route password-file", r->password_file);
	}
	buf_clear(&text);
}

static int
check_all(struct tool *t, struct findings *f)
{
	struct buf warnings = { 0 };
	char name[256];
	struct conf *conf;
	struct err err;

	hostname_of_system(name, sizeof name);
	conf = conf_read(t->conf_file, name, &warnings, &err);
	if (conf == NULL) {
		find(f, "error", "%s", err.text);
		return EXIT_FAILED;
	}
	find(f, "ok", "configuration %s (hostname %s)", t->conf_file,
	    conf->hostname);
	for (struct span all = buf_span(&warnings); !span_is_empty(all);) {
		struct span line = span_cut(&all, '\n');

		if (!span_is_empty(line))
			find(f, "warning", "%.*s", SPAN_ARG(line));
	}
	check_tls(f, conf);
	check_users(f, conf);
	check_directory(f, "spool.directory", conf->spool_directory);
	check_socket_directory(f, conf->control_socket);
	check_routes(f, conf);
	buf_clear(&warnings);
	conf_unref(conf);
	return f->errors > 0 ? EXIT_FAILED : EXIT_OK;
}

int
tool_check(struct tool *t, int argc, char **argv)
{
	struct findings f = { .all = t->json ? json_array() : NULL };
	int rc;

	(void)argv;
	if (argc != 1)
		return tool_usage("check [--json]");
	rc = check_all(t, &f);
	if (t->json)
		tool_print_json(f.all);
	else
		(void)printf("%d errors, %d warnings\n", f.errors, f.warnings);
	return rc;
}
