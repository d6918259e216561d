libpostern_a_SOURCES += \
	include/facts/count.h src/facts/count.c \
	include/facts/fact.h src/facts/fact.c \
	include/facts/write.h src/facts/write.c
