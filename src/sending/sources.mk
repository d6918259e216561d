libpostern_a_SOURCES += \
	include/sending/dmarc.h src/sending/dmarc.c \
	include/sending/spf.h src/sending/spf.c src/sending/spf_priv.h \
	src/sending/spf_macro.c src/sending/spf_record.c
