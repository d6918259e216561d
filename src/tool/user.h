/* user: what the files of `postern user` share. */
#ifndef TOOL_USER_H
#define TOOL_USER_H

#include <jansson.h>

struct conf;
struct tool;
struct user_key;

/* Behind "user key"; an exit code. */
int tool_user_key(
    const struct tool *t, const struct conf *conf, int argc, char **argv);

/* When keys were used, as it is kept in state/. */
struct use;
struct user_key_uses {
	struct use *list; /* owned */
	size_t n;
};
/* What cannot be read is said on standard error, and is not there. */
void user_key_uses_read(const struct conf *conf, struct user_key_uses *uses);
void user_key_uses_clear(struct user_key_uses *uses);

json_t *
user_key_json(const struct user_key *k, const struct user_key_uses *uses);
/* The same in a line, for people; `o` is its JSON. */
void user_key_print(const json_t *o, const struct user_key *k);

#endif
