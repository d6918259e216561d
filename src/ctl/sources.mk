libpostern_a_SOURCES += \
	include/ctl/attributes.h src/ctl/attributes.c \
	include/ctl/client.h src/ctl/client.c \
	include/ctl/server.h src/ctl/server.c \
	include/ctl/verbs.h src/ctl/verbs.c
