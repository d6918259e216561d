/* contents: who waits for words or content that are read from the spool. */
#ifndef DESK_CONTENTS_H
#define DESK_CONTENTS_H

struct control;

/* The control is going: what is read for it still answers, with nothing to show. */
void contents_forget(struct control *c);

#endif
