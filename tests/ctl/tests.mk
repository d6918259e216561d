# Check programs of this folder; one a source file.
check_PROGRAMS += tests/ctl/test_ctl
check_PROGRAMS += tests/ctl/test_verbs
