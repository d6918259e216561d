# Check programs of this folder; one a source file.
check_PROGRAMS += tests/intake/test_account
check_PROGRAMS += tests/intake/test_after
check_PROGRAMS += tests/intake/test_after_io
check_PROGRAMS += tests/intake/test_changes
check_PROGRAMS += tests/intake/test_draft
check_PROGRAMS += tests/intake/test_filtered
check_PROGRAMS += tests/intake/test_intake_io
check_PROGRAMS += tests/intake/test_hash
check_PROGRAMS += tests/intake/test_ledger_io
check_PROGRAMS += tests/intake/test_standings_io
