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
json_t *user_key_json(const struct user_key *k);
/* The same in a line, for people; `o` is its JSON. */
void user_key_print(const json_t *o, const struct user_key *k);

#endif
