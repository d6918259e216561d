#include "tests/lib/suite.h"

#include <string.h>

#include "mail/convert.h"

#define UE "\xc3\xbc"
#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n"

static const struct {
	enum convert_to to;
	uint64_t lines_max;
	const char *text;
	const char *want; /* NULL: it may leave as it is; "!": it cannot */
} cases[] = {
	{ CONVERT_TO_7BIT, 0, "A: b\r\n\r\nc\r\n", NULL },
	{ CONVERT_TO_8BIT, 998, "A: b\r\n\r\n" UE "\r\n", NULL },
	{ CONVERT_TO_7BIT, 0,
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\nhello w" UE "rld\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "hello w=C3=BCrld\r\n" },
	/* Who says nothing of MIME. */
	{ CONVERT_TO_7BIT, 0, "A: b\r\n\r\n hello, hello " UE "\r\n",
	    "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
	    "\r\n hello, hello =C3=BC\r\n" },
	{ CONVERT_TO_7BIT, 0, "A: b\r\n\r\nhello hello \xfc\r\n",
	    "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=unknown-8bit\r\nContent-Transfer-Encoding: "
	    "quoted-printable\r\n\r\nhello hello =FC\r\n" },
	/* The line end that DATA needs is not the text's. */
	{ CONVERT_TO_7BIT, 0, "A: b\r\n\r\nhello hello " UE,
	    "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
	    "\r\nhello hello =C3=BC=\r\n" },
	/* The short way. */
	{ CONVERT_TO_7BIT, 0,
	    "Content-Type: text/plain\r\n\r\n\xd0\xb0\xd0\xb1\r\n",
	    "Content-Type: text/plain\r\nMIME-Version: 1.0\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n0LDQsQ0K\r\n" },
	{ CONVERT_TO_7BIT, 0, "Content-Type: image/png\r\n\r\nabcdefgh\xff\r\n",
	    "Content-Type: image/png\r\nMIME-Version: 1.0\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nYWJjZGVmZ2j/DQo=\r\n" },
	/* Only what has to be: the first part, and the label of the whole. */
	{ CONVERT_TO_7BIT, 0,
	    MIXED "Content-Transfer-Encoding: 8bit\r\n\r\npre " UE "\r\n--x\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n\r\nabcdefghijklmnop " UE
		  "\r\n--x\r\n\r\nplain  \r\n--x--\r\n" UE "\r\n",
	    MIXED "Content-Transfer-Encoding: 7bit\r\n\r\npre ??\r\n--x\r\n"
		  "Content-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "abcdefghijklmnop =C3=BC\r\n--x\r\n\r\nplain  \r\n--x--\r\n"
		  "??\r\n" },
	/* A message in a message. */
	{ CONVERT_TO_7BIT, 0,
	    MIXED "\r\n--x\r\nContent-Type: message/rfc822\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: " UE
		  "\r\nContent-Type: text/plain\r\n\r\nabcdefghijklmnop " UE
		  "\r\n--x--\r\n",
	    MIXED "\r\n--x\r\nContent-Type: message/rfc822\r\n"
		  "Content-Transfer-Encoding: 7bit\r\n\r\n"
		  "Subject: =?utf-8?Q?=C3=BC?=\r\nContent-Type: text/plain\r\n"
		  "MIME-Version: 1.0\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "abcdefghijklmnop =C3=BC\r\n--x--\r\n" },
	/* A header alone. */
	{ CONVERT_TO_7BIT, 0, "Subject: " UE "\r\n\r\nc\r\n",
	    "Subject: =?utf-8?Q?=C3=BC?=\r\n\r\nc\r\n" },
	{ CONVERT_TO_7BIT, 0, "To: " UE "@b.test\r\n\r\nc\r\n", "!" },
	/* Of a host that takes 8-bit content, and no such header (RFC 6531). */
	{ CONVERT_TO_ASCII_HEADERS, 0, "Subject: c\r\n\r\n" UE "\r\n", NULL },
	{ CONVERT_TO_ASCII_HEADERS, 0, "Subject: " UE "\r\n\r\n" UE "\r\n",
	    "Subject: =?utf-8?Q?=C3=BC?=\r\n\r\n" UE "\r\n" },
	{ CONVERT_TO_ASCII_HEADERS, 0,
	    MIXED "\r\n" UE "\r\n--x\r\nContent-Type: a/b; name=\"" UE
		  "\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" UE
		  "\r\n--x--\r\n",
	    MIXED "\r\n" UE "\r\n--x\r\nContent-Type: a/b; "
		  "name*=utf-8''%C3%BC\r\nContent-Transfer-Encoding: "
		  "8bit\r\n\r\n" UE "\r\n--x--\r\n" },
	{ CONVERT_TO_ASCII_HEADERS, 0,
	    "Subject: " UE "\r\nContent-Type: multipart/signed; boundary=x\r\n"
	    "\r\n--x\r\n\r\n" UE "\r\n--x--\r\n",
	    "Subject: =?utf-8?Q?=C3=BC?=\r\n"
	    "Content-Type: multipart/signed; boundary=x\r\n"
	    "\r\n--x\r\n\r\n" UE "\r\n--x--\r\n" },
	{ CONVERT_TO_ASCII_HEADERS, 3, "To: " UE " <a@b>\r\n\r\nabcd\r\n",
	    "To: =?utf-8?Q?=C3=BC?= <a@b>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\nabcd\r\n" },
	{ CONVERT_TO_ASCII_HEADERS, 0, "To: " UE "@b.test\r\n\r\nc\r\n", "!" },
	/* Encoded, and not as it should be. */
	{ CONVERT_TO_7BIT, 0,
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\xfc\r\n",
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D=FC\r\n" },
	{ CONVERT_TO_7BIT, 0,
	    "Content-Transfer-Encoding: base64\r\n\r\nYW\xfcJj\r\n",
	    "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n" },
	{ CONVERT_TO_7BIT, 0,
	    "Content-Transfer-Encoding: x-uue\r\n\r\na\xfc\r\n", "!" },
	/* What is signed stays as it is; around it all may change. */
	{ CONVERT_TO_7BIT, 0,
	    "Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n" UE
	    "\r\n--x--\r\n",
	    "!" },
	{ CONVERT_TO_7BIT, 0,
	    "Subject: " UE "\r\nContent-Type: multipart/signed; boundary=x\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n--x\r\n\r\nc\r\n--x--\r\n",
	    "Subject: =?utf-8?Q?=C3=BC?=\r\n"
	    "Content-Type: multipart/signed; boundary=x\r\n"
	    "Content-Transfer-Encoding: "
	    "8bit\r\n\r\n--x\r\n\r\nc\r\n--x--\r\n" },
	{ CONVERT_TO_7BIT, 0,
	    "Content-Type: message/partial; id=a\r\n\r\n" UE "\r\n", "!" },
	/* Binary content. */
	{ CONVERT_TO_8BIT, 998,
	    "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
	    "\r\n" UE "abc\ndefghijklmn\r\n",
	    "Content-Type: text/plain\r\nMIME-Version: 1.0\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=C3=BCabc=0Adefghijklmn\r\n" },
	{ CONVERT_TO_8BIT, 998,
	    "Content-Transfer-Encoding: binary\r\n" MIXED "\r\n--x\r\n\r\n" UE
	    "\r\n--x\r\nContent-Type: a/b\r\n\r\n\r\r\n"
	    "--x--\r\n",
	    "Content-Transfer-Encoding: 8bit\r\n" MIXED "\r\n--x\r\n\r\n" UE
	    "\r\n--x\r\nContent-Type: a/b\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nDQ==\r\n--x--\r\n" },
	{ CONVERT_TO_7BIT, 4, "A: b\r\n\r\nabcde\r\n",
	    "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
	    "\r\nabcde\r\n" },
	{ CONVERT_TO_7BIT, 5, "A: b\r\n\r\nabcde\r\n", NULL },
	{ CONVERT_TO_7BIT, 5, "A: b\r\n\r\nabcde", NULL },
	{ CONVERT_TO_8BIT, 998, MIXED "\r\n\n\r--x\r\n--x\r\nA: \rb\r\n\r\nc",
	    MIXED "\r\n?\?--x\r\n--x\r\nA:  b\r\n\r\nc\r\n" },
};

static enum convert_result
look(struct convert *c, struct span text, size_t step)
{
	enum convert_result r = CONVERT_MORE;

	while (r == CONVERT_MORE) {
		r = convert_look(c, span_to(text, step), text.len <= step);
		text = span_from(text, step);
	}
	return r;
}

static enum convert_result
rewrite(struct convert *c, struct span text, size_t step, struct buf *out)
{
	enum convert_result r = CONVERT_MORE;

	while (r == CONVERT_MORE) {
		r = convert_write(
		    c, span_to(text, step), text.len <= step, out);
		text = span_from(text, step);
	}
	return r;
}

static void
check(int i, size_t step)
{
	struct convert c = { .to = cases[i].to,
		.lines_max = cases[i].lines_max };
	struct span text = span_text(cases[i].text);
	struct buf out = { .max = CONVERT_ROOM };
	enum convert_result r = look(&c, text, step);

	if (cases[i].want == NULL) {
		ck_assert_int_eq(r, CONVERT_NOT_NEEDED);
	} else if (strcmp(cases[i].want, "!") == 0) {
		if (r == CONVERT_NEEDED)
			r = rewrite(&c, text, step, &out);
		ck_assert_int_eq(r, CONVERT_IMPOSSIBLE);
		ck_assert(strlen(c.why) > 20);
	} else {
		ck_assert_int_eq(r, CONVERT_NEEDED);
		ck_assert_int_eq(rewrite(&c, text, step, &out), CONVERT_DONE);
		ck_assert_msg(
		    span_equal(buf_span(&out), span_text(cases[i].want)),
		    "%s\nby %zu gives\n%.*s", cases[i].text, step,
		    SPAN_ARG(buf_span(&out)));
	}
	buf_clear(&out);
	convert_clear(&c);
}

START_TEST(content_is_as_the_host_takes_it)
{
	for (size_t step = 1; step <= strlen(cases[_i].text) + 1; step++)
		check(_i, step);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, content_is_as_the_host_takes_it, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("convert", fill)
