libpostern_a_SOURCES += \
	include/crew/crew.h src/crew/crew.c \
	include/crew/worker.h src/crew/worker.c
