/*
 * mailbox: how threads hand each other owned values. Any thread posts; the
 * thread of the mailbox's loop opens each parcel, in the order of posting. The
 * parcel is part of the value that is handed over: after the post it belongs to
 * the receiver, which frees it.
 */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

struct parcel {
	struct parcel *next; /* the mailbox's, while it is under way */
	void (*open)(struct parcel *p); /* on the receiver's thread */
};

struct loop;

/*
 * Never blocks for long; safe from every thread while the loop lives. A thread
 * that runs a loop wakes the receivers when it has done what there is to do.
 */
void mailbox_post(struct loop *to, struct parcel *p);
/* Wakes them now: for a thread that is going to wait outside of its loop. */
void mailbox_flush(void);

#endif
