/* The users file: whatever stands there, an answer and no leak. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/user_key.h"
#include "auth/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	struct users *u =
	    users_parse(span_make((const char *)data, size), "users", &err);

	for (size_t i = 0; u != NULL && i < users_count(u); i++) {
		const struct user *at = users_at(u, i);

		assert(users_find(u, span_text(at->name)) == at);
		for (size_t k = 0; k < at->nkeys; k++) {
			const struct user *owner;

			assert(users_find_key(u, span_text(at->keys[k].name),
				   &owner) == &at->keys[k]);
			assert(owner == at);
		}
	}
	users_free(u);
	return 0;
}
