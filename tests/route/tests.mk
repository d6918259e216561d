# Check programs of this folder; one a source file.
check_PROGRAMS += tests/route/test_dialogs
check_PROGRAMS += tests/route/test_lookup_io
check_PROGRAMS += tests/route/test_plan
check_PROGRAMS += tests/route/test_cache
check_PROGRAMS += tests/route/test_router
