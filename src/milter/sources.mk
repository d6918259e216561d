libpostern_a_SOURCES += \
	include/milter/fields.h src/milter/fields.c \
	include/milter/milter.h src/milter/milter.c \
	include/milter/packet.h src/milter/packet.c \
	src/milter/answer.c src/milter/changes.c \
	include/milter/milter_io.h src/milter/milter_io.c \
	src/milter/macros.c src/milter/milter_priv.h
