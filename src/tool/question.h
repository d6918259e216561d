/* question: one question to the name servers, for which the tool waits. */
#ifndef TOOL_QUESTION_H
#define TOOL_QUESTION_H

#include "base/err.h"
#include "dns/answer.h"

struct conf;

/* By the servers of the configuration. A negative code: they cannot be asked. */
int ask_dns(const struct conf *conf, const char *name, enum dns_type type,
    struct dns_answer *answer, struct err *err);
/* A host's addresses, IPv4 first; one that is numeric has itself. */
int ask_addresses(const struct conf *conf, const char *host,
    struct dns_answer *answer, struct err *err);

#endif
