/*
 * work: runs what blocks in libuv's pool. `run` is on a pool thread and touches
 * only what `arg` owns; `done` is on the loop's thread, exactly once, never
 * before work_run() returned. There is no cancel: what may outlive its asker
 * owns copies of all it uses.
 */
#ifndef IO_WORK_H
#define IO_WORK_H

struct loop;
typedef void (*work_cb)(void *arg);

void work_run(struct loop *loop, work_cb run, work_cb done, void *arg);

#endif
