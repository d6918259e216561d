libpostern_a_SOURCES += \
	include/sched/backoff.h src/sched/backoff.c \
	include/sched/queue.h src/sched/queue.c \
	include/sched/site.h src/sched/site.c \
	include/sched/target.h src/sched/target.c
