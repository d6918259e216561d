# Check programs of this folder; one a source file.
check_PROGRAMS += tests/conf/test_conf
check_PROGRAMS += tests/conf/test_value
