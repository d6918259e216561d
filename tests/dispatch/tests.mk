# Check programs of this folder; one a source file.
check_PROGRAMS += tests/dispatch/test_budget_io
check_PROGRAMS += tests/dispatch/test_dialogs
check_PROGRAMS += tests/dispatch/test_dispatch
check_PROGRAMS += tests/dispatch/test_filters_io
check_PROGRAMS += tests/dispatch/test_history
check_PROGRAMS += tests/dispatch/test_lanes_io
check_PROGRAMS += tests/dispatch/test_order
check_PROGRAMS += tests/dispatch/test_queue
check_PROGRAMS += tests/dispatch/test_rest
tests_dispatch_test_budget_io_SOURCES = tests/dispatch/test_budget_io.c \
	tests/dispatch/clock.h tests/dispatch/world.h
# With clocks of their own.
tests_dispatch_test_budget_io_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=loop_now,--wrap=wall_now
tests_dispatch_test_filters_io_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=loop_now,--wrap=wall_now
tests_dispatch_test_dialogs_SOURCES = tests/dispatch/test_dialogs.c \
	tests/dispatch/play.c tests/dispatch/play.h
