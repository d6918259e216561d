/*
 * watch_io: keeps the keys that are in force: sees the files that come and change,
 * asks the DNS for the records of the keys, makes a waiting key active when its
 * record is right, and a retiring one retired when no message under it is on its way.
 * On one loop; files are read and written in the pool.
 */
#ifndef SIGN_WATCH_IO_H
#define SIGN_WATCH_IO_H

struct conf;
struct keys;
struct loop;
struct watch;

/*
 * Reads the keys before it returns, so that what was active signs from the first
 * message on. Borrows loop and keys; keeps a reference of the configuration.
 */
struct watch *
watch_open(struct loop *loop, const struct conf *conf, struct keys *keys);
/* Another configuration: folder, name servers, how long mail may wait. */
void watch_take(struct watch *w, const struct conf *conf);
/* The memory goes later, on the loop; the keys are not touched after it. NULL is
   allowed. */
void watch_close(struct watch *w);

#endif
