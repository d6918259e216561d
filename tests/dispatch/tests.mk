# Check programs of this folder; one a source file.
check_PROGRAMS += tests/dispatch/test_dialogs
tests_dispatch_test_dialogs_SOURCES = tests/dispatch/test_dialogs.c \
	tests/dispatch/play.c tests/dispatch/play.h
