# Check programs of this folder; one a source file.
check_PROGRAMS += tests/auth/test_auth
check_PROGRAMS += tests/auth/test_password
check_PROGRAMS += tests/auth/test_users
