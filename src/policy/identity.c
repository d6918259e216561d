#include "policy/identity.h"

#include "conf/conf.h"
#include "smtp/address.h"

static bool
is_login(struct span login, struct span hostname, const struct address *from)
{
	if (span_find(login, '@') < login.len)
		return span_equal_nocase(login, from->text);
	return span_equal_nocase(login, from->local) &&
	       span_equal_nocase(hostname, from->domain);
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
		return span_equal_nocase(span_from(pattern, 2), from->domain);
	return span_equal_nocase(pattern, from->text);
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
