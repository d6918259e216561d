libpostern_a_SOURCES += \
	include/submit/session.h src/submit/session_priv.h \
	src/submit/session.c src/submit/session_auth.c \
	src/submit/session_chunk.c src/submit/session_data.c src/submit/session_mail.c \
	src/submit/session_time.c \
	src/submit/place_io.c src/submit/place_io.h \
	include/submit/session_io.h src/submit/session_io.c
