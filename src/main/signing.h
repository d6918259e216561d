/*
 * signing: what DKIM is made of, as one: the keys that are in force, the watch that
 * keeps them, and the signer that the workers share.
 */
#ifndef MAIN_SIGNING_H
#define MAIN_SIGNING_H

#include <stdint.h>

struct conf;
struct loop;
struct signer;
struct signing;

struct signing *signing_open(struct loop *loop, const struct conf *conf);
/* Borrowed: for the workers, which it outlives. */
struct signer *signing_signer(const struct signing *s);
/* Another configuration. */
void signing_take(struct signing *s, const struct conf *conf);
/* To be called every second or so; ms, steady. */
void signing_sweep(struct signing *s, uint64_t now);
/* Nothing keeps the loop any more. NULL is allowed, here and below. */
void signing_close(struct signing *s);
/* When the loop has ended. */
void signing_free(struct signing *s);

#endif
