/*
 * qid: a message's number as every log line, listing and notice writes it:
 * base 32 in Crockford's alphabet, lower case, without leading zeros.
 */
#ifndef MAIL_QID_H
#define MAIL_QID_H

#include <stdint.h>

#include "base/span.h"

enum { QID_SIZE = 14 }; /* 13 digits and the NUL */

struct qid {
	char text[QID_SIZE];
};

struct qid qid_format(uint64_t id);
/* Case does not matter; false for anything that qid_format() never writes. */
bool qid_parse(struct span text, uint64_t *id);

#endif
