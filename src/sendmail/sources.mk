libpostern_a_SOURCES += \
	include/sendmail/letter.h src/sendmail/letter.c
postern_sendmail_SOURCES = \
	src/sendmail/options.c src/sendmail/options.h \
	src/sendmail/sendmail.c \
	src/sendmail/talk.c src/sendmail/talk.h
