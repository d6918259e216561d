/* postern user: the accounts file. Needs no running relay. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/user_key.h"
#include "auth/users.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "tool.h"
#include "user.h"

enum { PASSWORD_MAX = 1024 };

static const char usage[] =
    "user add|passwd|suspend|resume|remove NAME [--stdin]\n"
    "       postern [-c FILE] user list | user show NAME [--json]\n"
    "       postern [-c FILE] user key add|list|remove NAME ...";

static const struct {
	const char *name;
	enum users_change_kind change;
	bool wants_password;
	const char *done;
} changes[] = {
	{ "add", USERS_ADD, true, "added" },
	{ "passwd", USERS_PASSWD, true, "has a new password" },
	{ "suspend", USERS_SUSPEND, false, "suspended" },
	{ "resume", USERS_RESUME, false, "resumed" },
	{ "remove", USERS_REMOVE, false, "removed" },
};

/* One line, without its end; -1: none, or too long. */
static int
read_line(char *line, size_t size)
{
	size_t n;

	if (fgets(line, (int)size, stdin) == NULL)
		return -1;
	n = strlen(line);
	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	else if (n + 1 == size)
		return -1;
	if (n > 0 && line[n - 1] == '\r')
		line[--n] = '\0';
	return 0;
}

static int
ask(const char *prompt, char *line, size_t size)
{
	struct termios old, quiet;
	bool is_terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	int rc;

	if (is_terminal) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	(void)fputs(prompt, stderr);
	rc = read_line(line, size);
	if (is_terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		(void)fputc('\n', stderr);
	}
	return rc;
}

static int
get_password(const struct tool *t, struct secret *out, struct err *err)
{
	char once[PASSWORD_MAX], twice[PASSWORD_MAX];
	int rc = 0;

	if (t->from_stdin) {
		if (read_line(once, sizeof once) != 0)
			return err_set(err, -1,
			    "standard input: a password "
			    "of at most %d bytes on one line is expected",
			    PASSWORD_MAX - 2);
	} else if (ask("Password: ", once, sizeof once) != 0 ||
		   ask("Again: ", twice, sizeof twice) != 0) {
		rc = err_set(err, -1, "no password was given");
	} else if (strcmp(once, twice) != 0) {
		rc = err_set(err, -1, "the two are not the same");
	}
	if (rc == 0 && once[0] == '\0')
		rc = err_set(err, -1, "an empty password is none");
	if (rc == 0)
		secret_set(out, once, strlen(once));
	mem_wipe(once, sizeof once);
	mem_wipe(twice, sizeof twice);
	return rc;
}

static json_t *
account_json(const struct user *u)
{
	return json_pack("{s:s, s:b, s:i, s:I}", "name", u->name, "suspended",
	    u->suspended, "iterations", (int)u->iterations, "keys",
	    (json_int_t)u->nkeys);
}

static void
show_account(
    const struct tool *t, const struct conf *conf, const struct user *u)
{
	json_t *o = account_json(u), *all = json_array();
	struct user_key_uses uses;

	user_key_uses_read(conf, &uses);
	if (!t->json)
		(void)printf("%s  %s, %s\n", u->name,
		    u->suspended ? "suspended" : "in order",
		    COUNT(u->nkeys, "key"));
	for (size_t i = 0; i < u->nkeys; i++) {
		json_t *key = user_key_json(&u->keys[i], &uses);

		(void)json_array_append_new(all, key);
		if (!t->json) {
			(void)fputs("  ", stdout);
			user_key_print(key, &u->keys[i]);
		}
	}
	(void)json_object_set_new(o, "keys", all);
	if (t->json)
		tool_print_json(o);
	else
		json_decref(o);
	user_key_uses_clear(&uses);
}

static int
show(const struct tool *t, const struct conf *conf, const char *name)
{
	const struct user *u;
	struct users *users;
	struct err err;

	users = users_read(conf->users, &err);
	u = users == NULL ? NULL : users_find(users, span_text(name));
	if (users != NULL && u == NULL)
		(void)err_set(&err, -ENOENT, "there is no account %s", name);
	if (u != NULL)
		show_account(t, conf, u);
	users_free(users);
	return u == NULL ? tool_fail(&err) : EXIT_OK;
}

static int
list(const struct tool *t, const char *path)
{
	json_t *all = json_array();
	struct users *u;
	struct err err;

	u = users_read(path, &err);
	if (u == NULL)
		return tool_fail(&err);
	for (size_t i = 0; i < users_count(u); i++) {
		const struct user *user = users_at(u, i);

		if (t->json)
			(void)json_array_append_new(all, account_json(user));
		else
			(void)printf("%s%s\n", user->name,
			    user->suspended ? "  (suspended)" : "");
	}
	if (t->json)
		tool_print_json(all);
	else
		json_decref(all);
	users_free(u);
	return EXIT_OK;
}

static int
change(const struct tool *t, const struct conf *conf, size_t which,
    const char *name)
{
	struct users_change asked = {
		.what = changes[which].change,
		.name = name,
		.iterations = conf->auth_iterations,
	};
	struct secret password = { 0 };
	struct err err;
	int rc = 0;

	if (changes[which].wants_password)
		rc = get_password(t, &password, &err);
	asked.password = span_make(password.data, password.len);
	if (rc == 0)
		rc = users_change(conf->users, &asked, &err);
	secret_clear(&password);
	if (rc != 0)
		return tool_fail(&err);
	(void)printf("%s %s\n", name, changes[which].done);
	return EXIT_OK;
}

int
tool_user(struct tool *t, int argc, char **argv)
{
	struct conf *conf;
	int rc = EXIT_USAGE;

	if (argc < 2)
		return tool_usage(usage);
	conf = tool_conf(t);
	if (conf == NULL)
		return EXIT_FAILED;
	if (strcmp(argv[1], "key") == 0) {
		rc = tool_user_key(t, conf, argc - 2, argv + 2);
		conf_unref(conf);
		return rc;
	}
	if (strcmp(argv[1], "list") == 0 && argc == 2)
		rc = list(t, conf->users);
	else if (strcmp(argv[1], "show") == 0 && argc == 3)
		rc = show(t, conf, argv[2]);
	for (size_t i = 0; argc == 3 && i < ARRAY_LEN(changes); i++)
		if (strcmp(argv[1], changes[i].name) == 0)
			rc = change(t, conf, i, argv[2]);
	conf_unref(conf);
	return rc == EXIT_USAGE ? tool_usage(usage) : rc;
}
