# Check programs of this folder; one a source file.
check_PROGRAMS += tests/facts/test_fact
check_PROGRAMS += tests/facts/test_write
