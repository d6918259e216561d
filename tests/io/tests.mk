# Check programs of this folder; one a source file.
check_PROGRAMS += tests/io/test_deadline
check_PROGRAMS += tests/io/test_listener
check_PROGRAMS += tests/io/test_loop
check_PROGRAMS += tests/io/test_stream
check_PROGRAMS += tests/io/test_tls
check_PROGRAMS += tests/io/test_trim
EXTRA_DIST += tests/io/pair.h
