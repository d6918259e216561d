/*
 * hostname: what this system calls itself, for who gives no name in the
 * configuration: the daemon, and `postern check` alike.
 */
#ifndef IO_HOSTNAME_H
#define IO_HOSTNAME_H

#include <stddef.h>

/* The full name where the system knows one; may ask a name server. */
void hostname_of_system(char *out, size_t size);

#endif
