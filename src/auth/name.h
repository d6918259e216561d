/*
 * name: what a client's message says of who it is, read before the library
 * sees it: the account's name, and the password where it stands in the clear.
 * Only for PLAIN (RFC 4616), LOGIN and SCRAM (RFC 5802); of all others nothing
 * is known.
 */
#ifndef AUTH_NAME_H
#define AUTH_NAME_H

#include <stdbool.h>

#include "base/span.h"

enum name_found {
	NAME_NONE, /* the message has none; a later one may */
	NAME_UNKNOWN, /* this mechanism does not show it */
	NAME_FOUND,
};

/*
 * The `step`th message of the client, counted from 0. `name` is as it stands
 * there (SCRAM: with =2C and =3D); `password` is empty when it is not there.
 */
enum name_found name_find(struct span mechanism, unsigned step,
    struct span message, struct span *name, struct span *password);

#endif
