/*
 * lane: the handle by which the queue thread and a worker speak of one outgoing
 * connection. The queue thread makes it, as a part of what it knows of the lane,
 * and keeps it until the lane's end is told.
 */
#ifndef DELIVER_LANE_H
#define DELIVER_LANE_H

struct lane_io;
struct worker;

struct lane {
	struct worker *worker; /* borrowed: workers outlive lanes */
	struct lane_io *io; /* the worker's alone */
};

#endif
