# Check programs of this folder; one a source file.
check_PROGRAMS += tests/desk/test_filter tests/desk/test_listing
check_PROGRAMS += tests/desk/test_summary
