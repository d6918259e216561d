libpostern_a_SOURCES += \
	include/conf/conf.h src/conf/conf.c \
	src/conf/conf_priv.h \
	src/conf/check.c \
	src/conf/advice.c \
	src/conf/clean.c \
	src/conf/filter.c \
	src/conf/options.c \
	src/conf/read.c \
	src/conf/tree.c \
	src/conf/value.c
