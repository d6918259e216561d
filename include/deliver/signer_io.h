/*
 * signer_io: signs what leaves. One for all workers: accounts take turns for few
 * places in libuv's pool, so that nobody waits for another one's bulk run; and
 * transactions of one message share one signature.
 */
#ifndef DELIVER_SIGNER_IO_H
#define DELIVER_SIGNER_IO_H

#include <stdbool.h>
#include <stdint.h>

struct content;
struct envelope;
struct keys;
struct loop;
struct signature;
struct signer;

/* A reference, the callee's; NULL: it leaves unsigned. On the asker's loop. */
typedef void (*signer_cb)(struct signature *s, void *arg);

/* Borrows the keys, which outlive it. */
struct signer *signer_new(struct keys *keys);
/* Nobody may wait any more. NULL is allowed. */
void signer_free(struct signer *s);
/* NULL for NULL. */
struct keys *signer_keys(struct signer *s);

/* What is signed. */
struct signer_request {
	const struct envelope *env;
	struct content *content; /* as it leaves */
	bool is_converted; /* it is not what came in (mail/convert.h) */
};

/*
 * The signature that the message leaves with. True: it is in *now (a reference, or
 * NULL: unsigned). Else the callback comes, once and later; envelope, content and
 * loop live until then. From every thread that runs a loop. NULL signs nothing.
 */
bool signer_ask(struct signer *s, const struct signer_request *r,
    struct loop *loop, signer_cb cb, void *arg, struct signature **now);
/* Lets go what is kept for others and old, or of keys that changed; ms, steady. */
void signer_sweep(struct signer *s, uint64_t now);

#endif
