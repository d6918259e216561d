libpostern_a_SOURCES += \
	include/mail/attrs.h src/mail/attrs.c \
	include/mail/dsn.h src/mail/dsn.c \
	include/mail/encoded.h src/mail/encoded.c \
	include/mail/envelope.h src/mail/envelope.c \
	include/mail/header.h src/mail/header.c \
	include/mail/mailboxes.h src/mail/mailboxes.c \
	include/mail/mend.h src/mail/mend.c \
	include/mail/param.h src/mail/param.c \
	include/mail/progress.h src/mail/progress.c \
	include/mail/qid.h src/mail/qid.c \
	include/mail/reason.h src/mail/reason.c \
	include/mail/reason_set.h src/mail/reason_set.c \
	include/mail/reasons.h src/mail/reasons.c \
	include/mail/subject.h src/mail/subject.c \
	include/mail/trace.h src/mail/trace.c \
	include/mail/words.h src/mail/words.c \
	include/mail/xtext.h src/mail/xtext.c
