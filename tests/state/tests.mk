# Check programs of this folder; one a source file.
check_PROGRAMS += tests/state/test_state
