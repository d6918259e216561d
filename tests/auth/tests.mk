# Check programs of this folder; one a source file.
check_PROGRAMS += tests/auth/test_auth
check_PROGRAMS += tests/auth/test_password
check_PROGRAMS += tests/auth/test_users
check_PROGRAMS += tests/auth/test_user_key
check_PROGRAMS += tests/auth/test_guessing
check_PROGRAMS += tests/auth/test_line
check_PROGRAMS += tests/auth/test_name
check_PROGRAMS += tests/auth/test_bearer
check_PROGRAMS += tests/auth/test_token
