/*
 * notify: tells who supervises us (systemd: Type=notify) how far we are, by a
 * datagram to the socket that NOTIFY_SOCKET names. Without one, nothing is told.
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

void notify_ready(void);
/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);
void notify_stopping(void);
/* The loop turns. Wanted at least twice in WATCHDOG_USEC; else nothing is told. */
void notify_alive(void);

#endif
