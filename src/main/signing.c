#include "signing.h"

#include <stdlib.h>

#include "base/mem.h"
#include "deliver/signer_io.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "sign/keys.h"
#include "sign/watch_io.h"

enum { SWEEP_MS = 1000 };

struct signing {
	struct loop *loop; /* borrowed */
	struct keys *keys; /* owned, as all of these */
	struct signer *signer;
	struct watch *watch;
	struct deadline *sweep;
};

static void
on_sweep(void *arg)
{
	struct signing *s = arg;

	signer_sweep(s->signer, loop_now(s->loop));
	deadline_set(s->sweep, SWEEP_MS);
}

struct signing *
signing_open(struct loop *loop, const struct conf *conf)
{
	struct signing *s = MEM_NEW(struct signing);

	s->loop = loop;
	s->keys = keys_new();
	s->signer = signer_new(s->keys);
	s->watch = watch_open(loop, conf, s->keys);
	s->sweep = deadline_new(loop, on_sweep, s);
	deadline_set(s->sweep, SWEEP_MS);
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
signing_close(struct signing *s)
{
	if (s == NULL || s->sweep == NULL)
		return;
	watch_close(s->watch);
	deadline_close(s->sweep);
	s->watch = NULL;
	s->sweep = NULL;
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
