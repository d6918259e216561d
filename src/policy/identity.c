#include "policy/identity.h"

#include "conf/conf.h"
#include "smtp/address.h"
#include "smtp/idn.h"

/* Parts, not text: "ann"@b.test is ann@b.test, and leaves as that. */
static bool
is_mailbox(struct span local, struct span domain, const struct address *from)
{
	return address_local_equal_nocase(local, from->local) &&
	       idn_equal(domain, from->domain);
}

static bool
is_address(struct span text, const struct address *from)
{
	size_t at = span_find_last(text, '@');

	return is_mailbox(span_to(text, at), span_from(text, at + 1), from);
}

static bool
is_login(struct span login, struct span hostname, const struct address *from)
{
	if (span_find(login, '@') < login.len)
		return is_address(login, from);
	return is_mailbox(login, hostname, from);
}

static bool
matches(struct span pattern, struct span login, struct span hostname,
    const struct address *from)
{
	if (span_equal(pattern, SPAN("$login")))
		return is_login(login, hostname, from);
	if (span_equal(pattern, SPAN("*")))
		return true;
	if (span_starts(pattern, SPAN("*@")))
		return idn_equal(span_from(pattern, 2), from->domain);
	return is_address(pattern, from);
}

bool
identity_may_send(const struct conf_account *account, struct span login,
    struct span hostname, const struct address *from)
{
	if (address_is_null(from))
		return true;
	for (size_t i = 0; i < account->nsend_as; i++)
		if (matches(
			span_text(account->send_as[i]), login, hostname, from))
			return true;
	return false;
}
