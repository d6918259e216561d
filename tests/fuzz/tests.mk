# Fuzz targets. A normal build links each with a main that reads its corpus, and
# make check runs that; with --enable-fuzz they are libFuzzer's programs:
# tests/fuzz/fuzz_NAME FOLDER tests/fuzz/corpus/NAME (what it finds goes to the
# first folder).
FUZZ_TARGETS = \
	tests/fuzz/fuzz_address \
	tests/fuzz/fuzz_aliases \
	tests/fuzz/fuzz_authors \
	tests/fuzz/fuzz_author \
	tests/fuzz/fuzz_base64 \
	tests/fuzz/fuzz_came \
	tests/fuzz/fuzz_chunk \
	tests/fuzz/fuzz_client \
	tests/fuzz/fuzz_command \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_convert \
	tests/fuzz/fuzz_dot \
	tests/fuzz/fuzz_header \
	tests/fuzz/fuzz_initial \
	tests/fuzz/fuzz_key \
	tests/fuzz/fuzz_letter \
	tests/fuzz/fuzz_log \
	tests/fuzz/fuzz_lookup \
	tests/fuzz/fuzz_mend \
	tests/fuzz/fuzz_milter \
	tests/fuzz/fuzz_packet \
	tests/fuzz/fuzz_param \
	tests/fuzz/fuzz_proxy \
	tests/fuzz/fuzz_relaxed \
	tests/fuzz/fuzz_reply \
	tests/fuzz/fuzz_session \
	tests/fuzz/fuzz_spf \
	tests/fuzz/fuzz_spool_record \
	tests/fuzz/fuzz_standings \
	tests/fuzz/fuzz_subject \
	tests/fuzz/fuzz_token \
	tests/fuzz/fuzz_users \
	tests/fuzz/fuzz_words
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/one_conf.h

if FUZZ
noinst_PROGRAMS = $(FUZZ_TARGETS)
FUZZ_MAIN =
WITH_FUZZER = $(AM_LDFLAGS) -fsanitize=fuzzer
else
check_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_MAIN = tests/fuzz/run_corpus.c
WITH_FUZZER = $(AM_LDFLAGS)
endif

tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c $(FUZZ_MAIN)
tests_fuzz_fuzz_address_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_author_SOURCES = tests/fuzz/fuzz_author.c $(FUZZ_MAIN)
tests_fuzz_fuzz_author_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_proxy_SOURCES = tests/fuzz/fuzz_proxy.c $(FUZZ_MAIN)
tests_fuzz_fuzz_proxy_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_base64_SOURCES = tests/fuzz/fuzz_base64.c $(FUZZ_MAIN)
tests_fuzz_fuzz_base64_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_came_SOURCES = tests/fuzz/fuzz_came.c $(FUZZ_MAIN)
tests_fuzz_fuzz_came_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_chunk_SOURCES = tests/fuzz/fuzz_chunk.c $(FUZZ_MAIN)
tests_fuzz_fuzz_chunk_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_client_SOURCES = tests/fuzz/fuzz_client.c $(FUZZ_MAIN)
tests_fuzz_fuzz_client_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c $(FUZZ_MAIN)
tests_fuzz_fuzz_command_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_convert_SOURCES = tests/fuzz/fuzz_convert.c $(FUZZ_MAIN)
tests_fuzz_fuzz_convert_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_dot_SOURCES = tests/fuzz/fuzz_dot.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dot_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c $(FUZZ_MAIN)
tests_fuzz_fuzz_header_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_initial_SOURCES = tests/fuzz/fuzz_initial.c $(FUZZ_MAIN)
tests_fuzz_fuzz_initial_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_key_SOURCES = tests/fuzz/fuzz_key.c $(FUZZ_MAIN)
tests_fuzz_fuzz_key_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_letter_SOURCES = tests/fuzz/fuzz_letter.c $(FUZZ_MAIN)
tests_fuzz_fuzz_letter_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_log_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_lookup_SOURCES = tests/fuzz/fuzz_lookup.c $(FUZZ_MAIN)
tests_fuzz_fuzz_lookup_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_mend_SOURCES = tests/fuzz/fuzz_mend.c $(FUZZ_MAIN)
tests_fuzz_fuzz_mend_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_milter_SOURCES = tests/fuzz/fuzz_milter.c $(FUZZ_MAIN)
tests_fuzz_fuzz_milter_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c $(FUZZ_MAIN)
tests_fuzz_fuzz_packet_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_param_SOURCES = tests/fuzz/fuzz_param.c $(FUZZ_MAIN)
tests_fuzz_fuzz_param_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_relaxed_SOURCES = tests/fuzz/fuzz_relaxed.c $(FUZZ_MAIN)
tests_fuzz_fuzz_relaxed_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_reply_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c $(FUZZ_MAIN)
tests_fuzz_fuzz_session_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_spf_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_spool_record_SOURCES = tests/fuzz/fuzz_spool_record.c $(FUZZ_MAIN)
tests_fuzz_fuzz_spool_record_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_subject_SOURCES = tests/fuzz/fuzz_subject.c $(FUZZ_MAIN)
tests_fuzz_fuzz_subject_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_standings_SOURCES = tests/fuzz/fuzz_standings.c $(FUZZ_MAIN)
tests_fuzz_fuzz_standings_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz_words.c $(FUZZ_MAIN)
tests_fuzz_fuzz_words_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_users_SOURCES = tests/fuzz/fuzz_users.c $(FUZZ_MAIN)
tests_fuzz_fuzz_users_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_aliases_SOURCES = tests/fuzz/fuzz_aliases.c $(FUZZ_MAIN)
tests_fuzz_fuzz_aliases_LDFLAGS = $(WITH_FUZZER)
tests_fuzz_fuzz_authors_SOURCES = tests/fuzz/fuzz_authors.c $(FUZZ_MAIN)
tests_fuzz_fuzz_authors_LDFLAGS = $(WITH_FUZZER)
