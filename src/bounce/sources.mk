libpostern_a_SOURCES += \
	include/bounce/notice.h src/bounce/notice.c \
	include/bounce/report.h src/bounce/report.c
