#include "deliver/outcome.h"

enum outcome
outcome_of_reply(enum stage stage, const struct reply *reply)
{
	if (reply->code >= 200 && reply->code < 400)
		return stage == STAGE_CONTENT ? OUTCOME_DELIVERED
					      : OUTCOME_NONE;
	if (reply_is_temporary(reply))
		return OUTCOME_DEFERRED;
	switch (stage) {
	/*
	 * What is said before there is a message is about us or the host, not
	 * about the message: another host, or another day, may take it. A
	 * login that fails is the operator's to mend, not the sender's.
	 */
	case STAGE_GREETING:
	case STAGE_EHLO:
	case STAGE_STARTTLS:
	case STAGE_AUTH: return OUTCOME_DEFERRED;
	case STAGE_RCPT:
		/* RFC 5321 4.5.3.1.10: 552 to RCPT means 452. */
		if (reply->code == 552)
			return OUTCOME_DEFERRED;
		return OUTCOME_FAILED;
	case STAGE_MAIL:
		/* RFC 4954: 530, 535 and the like want a login: as above. */
		if (reply->code == 530 || reply->code == 535 ||
		    reply->code == 538)
			return OUTCOME_DEFERRED;
		return OUTCOME_FAILED;
	case STAGE_DATA:
	case STAGE_CONTENT: return OUTCOME_FAILED;
	}
	return OUTCOME_DEFERRED;
}

const char *
outcome_status(enum stage stage, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_NONE:
	case OUTCOME_DELIVERED: return "2.0.0";
	case OUTCOME_DEFERRED: return "4.0.0";
	case OUTCOME_FAILED: break;
	}
	return stage == STAGE_RCPT ? "5.1.1" : "5.0.0";
}
