/* records: what the DNS says of many keys at once. */
#ifndef TOOL_RECORDS_H
#define TOOL_RECORDS_H

#include <stddef.h>

#include "base/err.h"
#include "sign/record.h"

struct conf;
struct key;

struct looked_up {
	const struct key *key; /* borrowed; the asker's to set */
	enum record_verdict verdict;
	char why[RECORD_WHY_MAX]; /* what is wrong; "" */
};

/* By the servers of the configuration. A negative code: they cannot be asked. */
int records_look_up(
    const struct conf *conf, struct looked_up *keys, size_t n, struct err *err);

#endif
