# Check programs of this folder; one a source file.
check_PROGRAMS += tests/bounce/test_notice
check_PROGRAMS += tests/bounce/test_report
