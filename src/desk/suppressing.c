/*
 * Recipients that are refused to accounts. A list goes some hundreds a page: "after"
 * is the last one's "ACCOUNT ADDRESS". What is added is one address ("what"), or
 * "rows", each with "address" and, if it has a past, "since", "until" (ms), "status"
 * and "reply".
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "control_priv.h"
#include "ctl/server.h"
#include "describe.h"
#include "facts/fact.h"
#include "filter.h"
#include "intake/suppressor_io.h"
#include "io/loop.h"
#include "smtp/address.h"

enum { ROWS = 300, ROWS_MOST = 1000, NAME_MOST = 255 };

struct listing {
	json_t *rows; /* owned */
	struct span account, address; /* patterns; empty: any */
	int64_t now;
};

static struct span
text_of(const json_t *o, const char *key)
{
	return span_text(json_string_value(json_object_get(o, key)));
}

static void
add_row(const struct suppressed *one, void *arg)
{
	struct listing *l = arg;

	if (one->until <= l->now ||
	    (l->account.len > 0 &&
		!filter_matches_text(l->account, one->account)) ||
	    (l->address.len > 0 &&
		!filter_matches_text(l->address, one->address)))
		return;
	(void)json_array_append_new(l->rows,
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "account",
		describe_text(one->account), "address",
		describe_text(one->address), "since", describe_time(one->since),
		"until", describe_time(one->until), "status",
		describe_text(one->status), "reply",
		describe_text(one->reply)));
}

json_t *
do_suppress_list(const struct ask *ask)
{
	struct span after = text_of(ask->request, "after");
	struct buf account = { 0 }, address = { 0 };
	struct listing l = { .rows = json_array(),
		.account = text_of(ask->request, "account"),
		.address = text_of(ask->request, "what"),
		.now = wall_now() };
	json_t *o = json_pack("{s:o}", "suppressed", l.rows);
	bool more;

	(void)buf_append_span(&account, span_cut(&after, ' '));
	(void)buf_append_span(&address, after);
	more = suppressor_list(
	    ask->control->suppressor, &account, &address, ROWS, add_row, &l);
	(void)json_object_set_new(o, "more", json_boolean(more));
	if (more) {
		(void)buf_append_char(&account, ' ');
		(void)buf_append_span(&account, buf_span(&address));
		(void)json_object_set_new(
		    o, "after", describe_text(buf_span(&account)));
	}
	buf_clear(&account);
	buf_clear(&address);
	return o;
}

static void
tell(const struct ask *ask, struct span account, size_t done)
{
	FACT(OPERATOR, fact_string("user", ctl_user(ask->later)),
	    fact_number("uid", (uint64_t)ctl_uid(ask->later)),
	    fact_word("did", verbs[ask->verb].name),
	    fact_text("account", account), fact_number("done", done));
}

static int64_t
time_of(const json_t *row, const char *key, int64_t otherwise)
{
	const json_t *o = json_object_get(row, key);

	return json_is_integer(o) ? json_integer_value(o) : otherwise;
}

static bool
add(const struct ask *ask, struct span account, const json_t *row)
{
	int64_t since = time_of(row, "since", wall_now());

	return suppressor_add(ask->control->suppressor,
	    &(struct suppressed){ .account = account,
		.address = text_of(row, "address"),
		.since = since,
		.until = time_of(row, "until", since + SUPPRESSION_MS),
		.status = span_to(text_of(row, "status"), 11),
		.reply = text_of(row, "reply") });
}

/* Which of them, and why. */
static json_t *
not_added(struct span address, size_t at)
{
	struct address parsed;
	bool is_one = address_parse(address, &parsed) == ADDRESS_OK;

	return json_pack("{s:I, s:o, s:s}", "row", (json_int_t)at, "address",
	    describe_text(address), "why",
	    is_one ? "as many are suppressed as may be" : "that is no address");
}

/* NULL: it is named. */
static json_t *
no_account(struct span account)
{
	if (span_is_empty(account) || account.len > NAME_MOST)
		return error_answer("whose? --account NAME");
	return NULL;
}

json_t *
do_suppress_add(const struct ask *ask)
{
	struct span account = text_of(ask->request, "account");
	const json_t *rows = json_object_get(ask->request, "rows"), *row;
	json_t *wrong = no_account(account), *all, *not ;
	size_t done = 0, i;

	if (wrong != NULL)
		return wrong;
	/* One that was mistyped would never be obeyed. */
	if (auth_standing(ask->control->auth, account) == AUTH_IS_ABSENT)
		return error_answer("there is no such account");
	if (rows == NULL && span_is_empty(text_of(ask->request, "what")))
		return error_answer("which address?");
	if (json_array_size(rows) > ROWS_MOST)
		return error_answer("too many at once");
	not = json_array();
	all = rows != NULL ? json_copy((json_t *)(uintptr_t)rows)
			   : json_pack("[{s:O}]", "address",
				 json_object_get(ask->request, "what"));
	json_array_foreach(all, i, row)
	{
		if (add(ask, account, row))
			done++;
		else
			(void)json_array_append_new(
			    not, not_added(text_of(row, "address"), i));
	}
	json_decref(all);
	tell(ask, account, done);
	return json_pack("{s:I, s:o}", "done", (json_int_t)done, "not", not );
}

json_t *
do_suppress_remove(const struct ask *ask)
{
	struct span account = text_of(ask->request, "account");
	struct span address = text_of(ask->request, "what");
	json_t *wrong = no_account(account);
	bool was_there;

	if (wrong != NULL)
		return wrong;
	was_there =
	    suppressor_remove(ask->control->suppressor, account, address);
	if (!was_there)
		return error_answer(
		    "that address is not suppressed for that account; postern "
		    "suppress list has those that are");
	tell(ask, account, 1);
	return json_pack("{s:I}", "done", (json_int_t)1);
}
