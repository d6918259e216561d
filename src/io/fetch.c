#include "io/fetch.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

enum { HTTP_OK = 200 };

/* What is used of the library, by its own types. */
#define FUNCTIONS(F)                                                           \
	F(global_init)                                                         \
	F(easy_init)                                                           \
	F(easy_setopt)                                                         \
	F(easy_perform)                                                        \
	F(easy_getinfo)                                                        \
	F(easy_strerror)                                                       \
	F(easy_cleanup)

static struct {
#define MEMBER(function) __typeof__(&curl_##function) function;
	FUNCTIONS(MEMBER)
#undef MEMBER
} curl;
static pthread_once_t loading = PTHREAD_ONCE_INIT;
static bool is_loaded;

/* Once loaded it stays. */
static void
load(void)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	bool whole = library != NULL;

#define FIND(function)                                                         \
	if (whole) {                                                           \
		curl.function = (__typeof__(curl.function))(uintptr_t)dlsym(   \
		    library, "curl_" #function);                               \
		whole = curl.function != NULL;                                 \
	}
	FUNCTIONS(FIND)
#undef FIND
	is_loaded = whole && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int
fetch_try(struct err *err)
{
	(void)pthread_once(&loading, load);
	if (is_loaded)
		return 0;
	return err_set(err, -ENOENT,
	    "libcurl.so.4 is needed to ask by HTTPS (Debian: libcurl4)");
}

struct sink {
	struct buf *out;
	bool is_full;
};

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct sink *sink = arg;

	if (buf_append(sink->out, data, size * n))
		return size * n;
	sink->is_full = true;
	return 0;
}

/* The options that a wrong or hostile server is to be held by. */
static void
set_bounds(CURL *c, const struct fetch *f)
{
	const char *trusted = getenv("SSL_CERT_FILE");

	(void)curl.easy_setopt(c, CURLOPT_URL, f->url);
	(void)curl.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
	(void)curl.easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl.easy_setopt(c, CURLOPT_TIMEOUT, (long)f->seconds);
	(void)curl.easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)f->seconds);
	(void)curl.easy_setopt(c, CURLOPT_USERAGENT, "Postern");
	(void)curl.easy_setopt(c, CURLOPT_PROXY, "");
	/* As OpenSSL's own defaults have it, which libcurl's have not. */
	if (trusted != NULL)
		(void)curl.easy_setopt(c, CURLOPT_CAINFO, trusted);
}

static void
set_request(CURL *c, const struct fetch *f, struct sink *sink)
{
	(void)curl.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl.easy_setopt(c, CURLOPT_WRITEDATA, sink);
	if (f->form != NULL)
		(void)curl.easy_setopt(c, CURLOPT_POSTFIELDS, f->form);
	if (f->user == NULL)
		return;
	(void)curl.easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	(void)curl.easy_setopt(c, CURLOPT_USERNAME, f->user);
	(void)curl.easy_setopt(c, CURLOPT_PASSWORD, f->password);
}

int
fetch_run(const struct fetch *f, struct buf *out, struct err *err)
{
	struct sink sink = { .out = out };
	long status = 0;
	CURLcode code;
	CURL *c;

	if (fetch_try(err) != 0)
		return -ENOENT;
	c = curl.easy_init();
	if (c == NULL)
		return err_set(
		    err, -ENOMEM, "%s: libcurl has no handle", f->url);
	set_bounds(c, f);
	set_request(c, f, &sink);
	code = curl.easy_perform(c);
	(void)curl.easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl.easy_cleanup(c);
	if (sink.is_full)
		return err_set(err, -EMSGSIZE,
		    "%s: the answer is longer than "
		    "%zu bytes",
		    f->url, out->max);
	if (code != CURLE_OK)
		return err_set(
		    err, -EIO, "%s: %s", f->url, curl.easy_strerror(code));
	if (status != HTTP_OK)
		return err_set(
		    err, -EIO, "%s: HTTP status %ld", f->url, status);
	return 0;
}
