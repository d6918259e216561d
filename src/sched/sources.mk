libpostern_a_SOURCES += \
	include/sched/backoff.h src/sched/backoff.c \
	include/sched/heap.h src/sched/heap.c \
	include/sched/site.h src/sched/site.c \
	include/sched/target.h src/sched/target.c \
	include/sched/turns.h src/sched/turns.c
