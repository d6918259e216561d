libpostern_a_SOURCES += \
	include/prepare/alias_file.h src/prepare/alias_file.c \
	include/prepare/log_target.h src/prepare/log_target.c \
	include/prepare/prepare.h src/prepare/prepare.c \
	src/prepare/prepare_priv.h \
	src/prepare/accounts.c \
	src/prepare/files.c \
	src/prepare/filters.c \
	src/prepare/held.c \
	src/prepare/ports.c \
	src/prepare/routes.c
