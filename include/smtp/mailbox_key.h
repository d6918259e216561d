/*
 * mailbox_key: one text for all ways to write a mailbox: as it leaves
 * (address_write()), in lower case, with its domain's A-labels.
 */
#ifndef SMTP_MAILBOX_KEY_H
#define SMTP_MAILBOX_KEY_H

#include "base/span.h"
#include "smtp/address.h"
#include "smtp/idn.h"

enum { MAILBOX_KEY_SIZE = ADDRESS_WRITTEN_MAX + IDN_SIZE };

/* In the room. */
struct span mailbox_key(const struct address *a, char room[MAILBOX_KEY_SIZE]);

#endif
