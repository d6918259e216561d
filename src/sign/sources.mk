libpostern_a_SOURCES += \
	include/sign/author.h src/sign/author.c \
	include/sign/body.h src/sign/body.c \
	include/sign/fields.h src/sign/fields.c \
	include/sign/key.h src/sign/key.c \
	include/sign/key_files.h src/sign/key_files.c \
	include/sign/keyring.h src/sign/keyring.c \
	include/sign/keys.h src/sign/keys.c \
	include/sign/record.h src/sign/record.c \
	include/sign/signature.h src/sign/signature.c \
	src/sign/relaxed.h src/sign/relaxed.c \
	include/sign/watch_io.h src/sign/watch_io.c
