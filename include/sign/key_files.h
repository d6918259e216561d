/*
 * key_files: keys in a folder, a file each (DOMAIN.SELECTOR.pem, mode 0600), which
 * says what state its key is in. A file is written beside its place, synced and
 * renamed; what is no file of ours is never written over. Blocks.
 */
#ifndef SIGN_KEY_FILES_H
#define SIGN_KEY_FILES_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "sign/key.h"

struct findings;
struct keyring;

/* A number that changes when a file comes, goes or is written. */
uint64_t key_files_look(const char *folder);
/*
 * All keys that can be read; no folder has none. What cannot be read is a finding
 * (FINDING_ERROR) that names the file, what is wrong and what to do; what others can
 * read is a warning. `before` (may be NULL) shares its counts of uses, and lends its
 * keys in place of files, or of a folder, that are there and cannot be read.
 */
struct keyring *
key_files_load(const char *folder, struct keyring *before, struct findings *f);

/*
 * Makes the next pair of a domain: RSA, then Ed25519, both waiting, under a new
 * selector each. The folder is made, if it is missing; new files belong to whom the
 * folder belongs to. The keys are the caller's.
 */
int key_files_add(const char *folder, const char *domain, int64_t now,
    struct key *made[KEY_ALGORITHMS], struct err *err);
/*
 * The key gets that state; one that has it already keeps its time. 0 too, when it
 * has moved on from `from` meanwhile (somebody else did it).
 */
int key_files_set_state(const char *folder, const struct key *key,
    enum key_state to, int64_t now, struct err *err);

#endif
