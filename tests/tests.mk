# What every test needs, and each folder's tests.

check_LIBRARIES += libtest.a
libtest_a_SOURCES = tests/lib/suite.h tests/intake/drafts.h tests/milter/fake_filter.h \
	tests/lib/cert.c tests/lib/cert.h \
	tests/lib/dialog.c tests/lib/dialog.h tests/lib/parts.h

include tests/base/tests.mk
include tests/smtp/tests.mk
include tests/mail/tests.mk
include tests/facts/tests.mk
include tests/conf/tests.mk
include tests/policy/tests.mk
include tests/sched/tests.mk
include tests/io/tests.mk
include tests/dns/tests.mk
include tests/route/tests.mk
include tests/auth/tests.mk
include tests/sign/tests.mk
include tests/sending/tests.mk
include tests/milter/tests.mk
include tests/spool/tests.mk
include tests/state/tests.mk
include tests/intake/tests.mk
include tests/submit/tests.mk
include tests/deliver/tests.mk
include tests/dispatch/tests.mk
include tests/bounce/tests.mk
include tests/ctl/tests.mk
include tests/crew/tests.mk
include tests/desk/tests.mk
include tests/main/tests.mk
include tests/sendmail/tests.mk
include tests/fuzz/tests.mk

LDADD = $(TESTS_LDADD)
TESTS += $(check_PROGRAMS)

include tests/daemon/tests.mk
include tests/bench/bench.mk

# Check's macros convert as they like.
tests/%.$(OBJEXT): AM_CFLAGS += -Wno-conversion -Wno-sign-conversion \
	-Wno-unused-result
