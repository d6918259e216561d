/*
 * dialog: a conversation as a text file, tests/dialogs/<who>-<what>.dialog, one
 * step a line: a key, a colon, a blank and a value. Empty lines and lines that
 * begin with '#' are comments. The same steps run whole and cut: the input is
 * fed in other pieces, and everything else must come out the same.
 *
 * In values \r \n \t \0 \\ and \xNN are bytes; nothing is added to them. A key
 * may be followed by *N (`C*100: ...`): the value N times.
 *
 *   cut: no           it goes so only when the input comes in one piece
 *
 * The receiving session (submit-*.dialog, test_dialogs.c in tests/submit):
 *
 *   conf: TEXT        one more line of the configuration; before all others
 *   given: WHERE      how far it has come: connected (nothing said yet),
 *                     greeted (EHLO in clear), secured (and TLS, and EHLO),
 *                     implicit-open (TLS from the start), implicit (and EHLO), login (and ann@b.test
 *                     logged in), mail, rcpt, data (MAIL, RCPT, DATA done)
 *   given: binding    TLS can bind the channel
 *   given: device     it needs no TLS and no login: it is ann@b.test; before the
 *                     next given
 *   given: certificate  the client's is ann@b.test's
 *   given: refused    there is no seat; before the next given
 *   given: crowded    more than half of the seats are taken; the same
 *   C: BYTES          the client sends
 *   S: LINE           the next line that is answered, without its CRLF
 *   S: (nothing)      nothing was answered
 *   need: input | close | tls | tls ok (and the handshake is done)
 *   need: auth MECH | auth MECH initial=BYTES | auth response=BYTES
 *   need: store open | store append | store commit
 *   auth: continue BYTES | ok LOGIN[\tKEY[\tSEND-AS]] | bad [TRIED] | malformed | temporary
 *                     TRIED is a number for what was tried
 *   stored: ok | full | fault
 *                     A store step without a `need: store` line is answered
 *                     with ok; ids count from 1.
 *   filter: sees BYTES | header BYTES | body BYTES | sender ADDRESS | discards |
 *           held TEXT
 *                     behind `need: intake filter`: the header that filters see, and
 *                     what they have made of the message; then comes `stored: ok`
 *   wait: N[s]        time passes, second by second, and what is due comes
 *   event: end | shutdown | account changed (from now on) | look (whether it has)
 *   content: BYTES    all that the last commit stored
 *   has: BYTES        ... which has these bytes in it
 *   lacks: BYTES      ... or not
 *   envelope: TEXT    its envelope: account from=<> to=<>,<>, its flags, and
 *                     the parameters of the message and of the recipients
 *   fact: TEXT        a line for the log that has this in it was written
 *
 * The client (client-*.dialog, test_dialogs.c in tests/deliver): here S is the
 * host and feeds bytes, C is what we say, line by line.
 *
 *   tls: opportunistic | require | implicit
 *   because: TEXT     what in the configuration says so
 *   login: NAME PASSWORD
 *   given: ready      connected, EHLO answered with PIPELINING and 8BITMIME
 *   given: chunking   the same, and CHUNKING
 *   given: chunked    the same, and a message went through by BDAT
 *   given: simple     connected, EHLO answered with nothing
 *   without-tls:      TLS failed before and is optional
 *   without-chunking: the host is known to have it in name only
 *   with-chunking:    the host is known to refuse a chunk without content only
 *   S: BYTES          the host sends
 *   C: LINE           the next line that we sent; C: (nothing)
 *   no-chunking:      the configuration says so
 *   need: input | tls | tls ok | content | content sent | chunk | chunk sent |
 *         chunk broken (the host hung up on it) | ready | close
 *   give: FLAGS FROM TO TO ...
 *                     (tests/lib/parts.h) the next message of 100 octets; FLAGS
 *                     are -, or some of 8bit,binary,large (large: its content is
 *                     not at hand)
 *   form: as it is | 8bit | ascii headers | 7bit
 *                     what that message's content was made into before
 *   outcome: N WORD STATUS TEXT
 *                     of recipient N: none, delivered, next-transaction,
 *                     next-connection, next-host, later or failed, its status,
 *                     and what its reply begins with
 *   attempt: N WORD   recipients that the host takes (0: unsaid), and whether the
 *                     end of the content has left: ended, open
 *   dsn: taken | not taken
 *                     whether the host takes wishes for reports
 *   learned: WORD N   nothing, no-chunking or chunking, and how many messages a
 *                     connection takes (0: unsaid)
 *   limit: N          seconds that the whole attempt may take
 *   stage: TEXT       the first recipient's reason: what had been asked for
 *   timeout: N        seconds that the host has now
 *   quit:             no more messages
 *   lost: TEXT        the connection is gone
 *   end: FLAGS TEXT   client_end(): whom to blame (nobody, host, channel,
 *                     message; operator: the login is his to mend), or
 *                     clear-may-do, and in its words
 *   status: STATUS    the same: its status
 *
 * A message's legs (leg-*.dialog, test_dialogs.c in tests/dispatch). Times are a
 * number and ms, s, m, h or d; random is 0. All that a step asks for (need), what
 * became of recipients (fact) and what the message asks for (says) stands behind
 * that step, in this order; nothing may be left out:
 *
 *   options: expire=5d warn=0s retry=60s,300s,900s
 *                     the configuration; these are the defaults
 *   given: N STATE [held] [tries=N] [step=N] [last=T] [due=T] [: WORDS]
 *                     the spool knows this of recipient N: the last try was so
 *                     long ago, the next one is due in so long
 *   flags: held|over-budget|future|unfiltered|warned ...
 *                     ... of the message
 *   age: T            it came in so long ago
 *   message: SENDER RCPT RCPT ...
 *                     (tests/lib/parts.h) it comes in; "-" is the null sender
 *   unfiltered: SENDER RCPT RCPT ...
 *                     the same, and filters are to see it first
 *   set-flags: held|... of the message, from now on; or none
 *   wait: T           time passes, and what is due comes in its order
 *   route: DOMAIN ok [hosts=N] | DOMAIN never WORDS | DOMAIN later WORDS
 *                     its way is known: N hosts, the first one preferred
 *   closed: DOMAIN WORDS
 *                     the first host of its site is not to be had
 *   take: DOMAIN [N]  a lane takes at most N of its recipients
 *   back: DOMAIN OUTCOME,OUTCOME... [blames|unreached|lacks-dsn|lacks-by] [: WORDS]
 *                     the lane brings them back (the last outcome is for all
 *                     others, too): not-tried, delivered, next-transaction,
 *                     next-connection, next-host, later, failed;
 *                     blames: the next attempt begins at another host;
 *                     unreached: the host was not to be had; lacks-dsn: it
 *                     sends no reports of success; lacks-by: it has no DELIVERBY
 *   hold: | release: | retry: | bounce: | remove:   [DOMAIN]
 *                     the operator, to all legs or to that one
 *   reload:           the configuration is new; a leg sees it at its turn
 *   reroute: [DOMAIN] the legs are asked for again
 *   stop:             the relay ends
 *   due: [DOMAIN]     the legs are woken, whatever the clock says
 *   stored: ok|failed the report that was asked for
 *   need: DOMAIN wait T | rest | route | join RANK | carry host=N | withdraw | end
 *   fact: ADDRESS KIND tries=N step=N [due=T] [WORDS]
 *   says: report ADDRESS... | confirm ADDRESS... | drop ADDRESS... | warn | done
 *   leg: DOMAIN STATE [wakes=T]
 *   state: STATE [wakes=T]
 *                     of the message
 *   row: ADDRESS STATE [held] tries=N step=N [last=T] [due=T] [WORDS]
 *                     what would be recorded of it
 *
 * A lookup of mail hosts (lookup-*.dialog, test_dialogs.c in tests/route). Behind
 * each step stands what the core needs then; nothing may be left out:
 *
 *   mail: DOMAIN | relay: HOST
 *                     the lookup begins; the server is 192.0.2.53:53
 *   answer: TYPE NAME data [ttl=N] RECORDS
 *                     TYPE is MX, A, AAAA or FILE (the hosts file); RECORDS are
 *                     addresses, or preferences and names ("." is the root)
 *   answer: TYPE NAME none|no-name [ttl=N] | failed WORDS
 *   cancel:           nobody wants to know it any more
 *   need: ask TYPE NAME
 *   need: done found|null-mx|no-domain|temporary ttl=N
 *   host: PREFERENCE NAME ADDRESS...
 *                     of the answer, in its order
 *   detail: TEXT      the words of the answer, if it has any
 *   state: STATE open=N
 *                     and how many questions are open
 *
 * A message at a filter (milter-*.dialog, test_dialogs.c in tests/milter). M is what
 * we say, packet by packet: its letter, and its data, in which | is a NUL and <xx> a
 * byte; F is the filter's: the letter, numbers in hexadecimal (three for O, one for i
 * and m), and data, in which | is a NUL. Its fixed parts stand in test_dialogs.c.
 *
 *   rcpt: ADDRESS PARAMS | mail: PARAMS | header: BYTES | client: ADDRESS
 *                     before all others: what the message has
 *   clear: yes        it came without TLS and login; before all others
 *   macros: shown     packets of macros are expected, too
 *   M: LETTER DATA    the next packet; (nothing): there is none
 *   F: LETTER DATA    the filter answers
 *   raw: BYTES        or says that
 *   piece: BYTES      of the body; (end): there is no more
 *   event: silent | lost WHY
 *   patience: command | content | end
 *   need: input | body | over
 *   outcome: passed | refused REPLY | discarded | failed WHY, then held=WHY, and
 *                     +<ADDRESS>PARAMS, -<ADDRESS>, =<ADDRESS> for each change
 *   new-header: BYTES, new-body: BYTES
 *                     or (as it was)
 */
#ifndef TESTS_LIB_DIALOG_H
#define TESTS_LIB_DIALOG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

struct dialog_step {
	unsigned line;
	char key[24];
	char *value; /* owned; the bytes, and a NUL behind them */
	size_t len;
};

struct dialog {
	char *path;
	struct dialog_step *steps;
	size_t nsteps;
};

/* The files tests/dialogs/<prefix>*.dialog, sorted; none is a failure. */
size_t dialog_find(const char *prefix, char ***paths);
/* Fails the test when the file cannot be read. */
struct dialog *dialog_read(const char *path);
void dialog_free(struct dialog *d);
struct span dialog_value(const struct dialog_step *step);
bool
dialog_is(const struct dialog_step *step, const char *key, const char *value);

/* Ends the test: where in the file, and what. */
_Noreturn void
dialog_fail(const struct dialog *d, const struct dialog_step *step,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/*
 * Takes the next line of `out` and compares; "(nothing)": `out` is empty.
 */
void dialog_expect_line(
    const struct dialog *d, const struct dialog_step *step, struct buf *out);
/* Fails when something was said that the dialog does not expect. */
void dialog_expect_silence(const struct dialog *d,
    const struct dialog_step *step, const struct buf *out);

/*
 * How input is cut: CUT_WHOLE, CUT_BYTES, and from CUT_AT on in two, at the
 * byte `cut` - CUT_AT + 1.
 */
enum { CUT_WHOLE, CUT_BYTES, CUT_AT };
/* How much of `left` bytes to feed, when `fed` were fed of this input. */
size_t dialog_piece(unsigned cut, size_t fed, size_t left);
/* How many ways of cutting are worth it for this dialog's `key` lines. */
unsigned dialog_cuts(const struct dialog *d, const char *key);

#endif
