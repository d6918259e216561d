libpostern_a_SOURCES += \
	include/facts/fact.h src/facts/fact.c \
	include/facts/write.h src/facts/write.c
