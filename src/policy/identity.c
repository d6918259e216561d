#include "policy/identity.h"

#include "base/buf.h"
#include "conf/conf.h"
#include "policy/aliases.h"
#include "smtp/address.h"
#include "smtp/idn.h"

/* Parts, not text: "ann"@b.test is ann@b.test, and leaves as that. */
static bool
is_mailbox(struct span local, struct span domain, const struct address *a)
{
	return address_local_equal_nocase(local, a->local) &&
	       idn_equal(domain, a->domain);
}

static bool
is_address(struct span text, const struct address *a)
{
	size_t at = span_find_last(text, '@');

	return is_mailbox(span_to(text, at), span_from(text, at + 1), a);
}

/* The local part and the domain that a login stands for. */
static struct span
login_domain(const struct identity *who, struct span *local)
{
	size_t at = span_find_last(who->login, '@');

	*local = span_to(who->login, at);
	return at < who->login.len ? span_from(who->login, at + 1)
				   : who->hostname;
}

static bool
is_login(const struct identity *who, const struct address *a)
{
	struct span local, domain = login_domain(who, &local);

	return is_mailbox(local, domain, a);
}

/* A local part that needs quotes is no sub-address of anybody. */
static bool
is_sub_address(const struct identity *who, const struct address *a)
{
	struct span local, domain = login_domain(who, &local);
	struct span rest = span_from(a->local, local.len);

	return span_starts_nocase(a->local, local) &&
	       span_starts(rest, SPAN("+")) &&
	       span_find(a->local, '"') == a->local.len &&
	       idn_equal(domain, a->domain);
}

static bool
matches(
    struct span pattern, const struct identity *who, const struct address *a)
{
	if (span_equal(pattern, SPAN("$login")))
		return is_login(who, a);
	if (span_equal(pattern, SPAN("$login+*")))
		return is_sub_address(who, a);
	if (span_equal(pattern, SPAN("*")))
		return true;
	if (span_starts(pattern, SPAN("*@")))
		return idn_equal(span_from(pattern, 2), a->domain);
	return is_address(pattern, a);
}

/* Whether who it is now may be all of that account, or that address at least. */
static bool
is_within(const struct identity *who, const struct address *a)
{
	struct span left = who->narrowed;

	if (span_is_empty(left))
		return true;
	while (!span_is_empty(left))
		if (matches(span_cut(&left, ','), who, a))
			return true;
	return false;
}

const char *
identity_why(const struct identity *who, const struct address *a)
{
	const struct conf_account *account = who->account;

	if (address_is_null(a) || !is_within(who, a))
		return NULL;
	if (who->is_anybody)
		return "root of this machine";
	for (size_t i = 0; i < account->nsend_as; i++)
		if (matches(span_text(account->send_as[i]), who, a))
			return account->send_as[i];
	if (who->aliases != NULL && aliases_has(who->aliases, a, who->login))
		return "auth.aliases";
	return NULL;
}

bool
identity_owns(const struct identity *who, const struct address *a)
{
	return identity_why(who, a) != NULL;
}
