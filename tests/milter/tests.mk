# Check programs of this folder; one a source file.
check_PROGRAMS += tests/milter/test_answer
check_PROGRAMS += tests/milter/test_dialogs
check_PROGRAMS += tests/milter/test_fields
check_PROGRAMS += tests/milter/test_milter_io
check_PROGRAMS += tests/milter/test_packet
