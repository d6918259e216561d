# Check programs of this folder; one a source file.
check_PROGRAMS += tests/route/test_dialogs
check_PROGRAMS += tests/route/test_lookup_io
check_PROGRAMS += tests/route/test_plan
check_PROGRAMS += tests/route/test_cache
check_PROGRAMS += tests/route/test_router
# With interfaces of its own.
tests_route_test_plan_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=getifaddrs,--wrap=freeifaddrs
