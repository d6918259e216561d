libpostern_a_SOURCES += \
	include/sending/dmarc.h src/sending/dmarc.c \
	include/sending/domains_io.h src/sending/domains_io.c \
	src/sending/kept_io.c src/sending/domains_parts_io.h \
	src/sending/own_io.c \
	include/sending/look.h src/sending/look.c \
	include/sending/verdict.h src/sending/verdict.c \
	include/sending/spf.h src/sending/spf.c src/sending/spf_priv.h \
	src/sending/spf_macro.c src/sending/spf_record.c
