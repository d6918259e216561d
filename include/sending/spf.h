/*
 * spf: whether the SPF record of a domain (RFC 7208) covers an address of ours, for
 * mail from postmaster of that domain. A pure core: it says which question comes
 * next and is given the answer. However records refer to one another, it asks for
 * ten of them at most, and ends. `ptr` is not looked at: nobody is covered by it.
 */
#ifndef SENDING_SPF_H
#define SENDING_SPF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "dns/answer.h"

enum spf_result {
	SPF_NONE, /* there is no record */
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_PERMERROR, /* the record is wrong: nobody can use it */
	SPF_TEMPERROR, /* the name servers do not answer */
};
enum { SPF_RESULTS = SPF_TEMPERROR + 1 };
/* "softfail" */
const char *spf_result_name(enum spf_result r);

enum {
	SPF_LOOKUPS_MOST = 10, /* RFC 7208 4.6.4 */
	SPF_VOIDS_MOST = 2, /* of these, that found nothing */
	SPF_WHY_SIZE = 320,
};

struct spf;

/* All is copied. The names are in lower case, by their A-labels. */
struct spf_of {
	struct span domain;
	const union dns_address *address; /* ours */
	struct span hostname; /* ours: what %{h} stands for */
};

struct spf_question {
	const char *name; /* valid until the next step */
	enum dns_type type;
};

struct spf *spf_new(const struct spf_of *of);
void spf_free(struct spf *s);
/*
 * Takes the answer to the last question, NULL at first. True: `next` is to be asked;
 * false: there is a result.
 */
bool spf_step(
    struct spf *s, const struct dns_answer *answer, struct spf_question *next);

enum spf_result spf_result(const struct spf *s);
/* In words: which part of which record said so. */
const char *spf_why(const struct spf *s);
/* The domain's own record; "": none. Printable. */
const char *spf_record(const struct spf *s);
/* How many of the ten lookups it took. */
unsigned spf_lookups(const struct spf *s);

#endif
