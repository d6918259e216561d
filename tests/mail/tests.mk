# Check programs of this folder; one a source file.
check_PROGRAMS += tests/mail/test_encoded
check_PROGRAMS += tests/mail/test_mailboxes
check_PROGRAMS += tests/mail/test_attrs
check_PROGRAMS += tests/mail/test_dsn
check_PROGRAMS += tests/mail/test_envelope
check_PROGRAMS += tests/mail/test_header
check_PROGRAMS += tests/mail/test_mend
check_PROGRAMS += tests/mail/test_origin
check_PROGRAMS += tests/mail/test_param
check_PROGRAMS += tests/mail/test_qid
check_PROGRAMS += tests/mail/test_reason
check_PROGRAMS += tests/mail/test_reason_set
check_PROGRAMS += tests/mail/test_reasons
check_PROGRAMS += tests/mail/test_subject
check_PROGRAMS += tests/mail/test_trace
check_PROGRAMS += tests/mail/test_words
check_PROGRAMS += tests/mail/test_xtext
