# Check programs of this folder; one a source file.
check_PROGRAMS += tests/sign/test_author
check_PROGRAMS += tests/sign/test_body
check_PROGRAMS += tests/sign/test_fields
check_PROGRAMS += tests/sign/test_key
check_PROGRAMS += tests/sign/test_key_files
check_PROGRAMS += tests/sign/test_keyring
check_PROGRAMS += tests/sign/test_record
check_PROGRAMS += tests/sign/test_relaxed
check_PROGRAMS += tests/sign/test_signature
check_PROGRAMS += tests/sign/test_watch_io
