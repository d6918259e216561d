#include "signing.h"

#include <stdlib.h>

#include "base/mem.h"
#include "deliver/signer_io.h"
#include "sign/keys.h"
#include "sign/watch_io.h"

struct signing {
	struct keys *keys; /* owned, as all of these */
	struct signer *signer;
	struct watch *watch;
};

struct signing *
signing_open(struct loop *loop, const struct conf *conf)
{
	struct signing *s = MEM_NEW(struct signing);

	s->keys = keys_new();
	s->signer = signer_new(s->keys);
	s->watch = watch_open(loop, conf, s->keys);
	return s;
}

struct signer *
signing_signer(const struct signing *s)
{
	return s->signer;
}

void
signing_take(struct signing *s, const struct conf *conf)
{
	watch_take(s->watch, conf);
}

void
signing_sweep(struct signing *s, uint64_t now)
{
	signer_sweep(s->signer, now);
}

void
signing_close(struct signing *s)
{
	if (s == NULL)
		return;
	watch_close(s->watch);
	s->watch = NULL;
}

void
signing_free(struct signing *s)
{
	if (s == NULL)
		return;
	signer_free(s->signer);
	keys_free(s->keys);
	free(s);
}
