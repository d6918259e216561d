# Check programs of this folder; one a source file.
check_PROGRAMS += tests/policy/test_brake
check_PROGRAMS += tests/policy/test_budget
check_PROGRAMS += tests/policy/test_identity
check_PROGRAMS += tests/policy/test_known
check_PROGRAMS += tests/policy/test_places
check_PROGRAMS += tests/policy/test_seats
check_PROGRAMS += tests/policy/test_aliases
check_PROGRAMS += tests/policy/test_authors
check_PROGRAMS += tests/policy/test_window
check_PROGRAMS += tests/policy/test_suppression
