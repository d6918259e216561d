# Tests of the built programs, on loopback, against real software.
daemon_tests = \
	tests/daemon/t01_delivers \
	tests/daemon/t02_refuses \
	tests/daemon/t03_retries_and_reports \
	tests/daemon/t04_load \
	tests/daemon/t05_quickstart \
	tests/daemon/t06_operator \
	tests/daemon/t07_spool_tools \
	tests/daemon/t08_kill \
	tests/daemon/t09_sync_order \
	tests/daemon/t10_full_disk \
	tests/daemon/t11_cyrus \
	tests/daemon/t12_faults \
	tests/daemon/t13_puts_off \
	tests/daemon/t14_chunking \
	tests/daemon/t15_strangers \
	tests/daemon/t20_content \
	tests/daemon/t17_routes \
	tests/daemon/t18_transactions \
	tests/daemon/t19_middle \
	tests/daemon/t16_reports \
	tests/daemon/t21_desk \
	tests/daemon/t22_words \
	tests/daemon/t23_dsn \
	tests/daemon/t24_desk \
	tests/daemon/t29_smtputf8 \
	tests/daemon/t30_metrics \
	tests/daemon/t31_certificates \
	tests/daemon/t32_smarthost \
	tests/daemon/t41_budgets \
	tests/daemon/t45_stop \
	tests/daemon/t49_theft \
	tests/daemon/t50_wishes \
	tests/daemon/t51_proxy \
	tests/daemon/t52_keys \
	tests/daemon/t53_certificates \
	tests/daemon/t54_devices \
	tests/daemon/t55_sessions_end \
	tests/daemon/t56_conversion \
	tests/daemon/t57_sendmail \
	tests/daemon/t58_slow_content \
	tests/daemon/t59_oauth \
	tests/daemon/t60_binding \
	tests/daemon/t70_filters_after \
	tests/daemon/t71_clocks \
	tests/daemon/t72_places \
	tests/daemon/t61_kerberos \
	tests/daemon/t62_extensions \
	tests/daemon/t63_all_at_once \
	tests/daemon/t25_prepare \
	tests/daemon/t26_mistakes \
	tests/daemon/t27_network \
	tests/daemon/t28_supervised \
	tests/daemon/t36_watching \
	tests/daemon/t37_from_postfix \
	tests/daemon/t38_upkeep \
	tests/daemon/t40_dkim \
	tests/daemon/t46_dkim_hops \
	tests/daemon/t42_identity \
	tests/daemon/t47_filters \
	tests/daemon/t48_sending_domains \
	tests/daemon/t43_suppression \
	tests/daemon/t44_explain \
	tests/daemon/prove_ext4
TESTS += $(daemon_tests)
EXTRA_DIST += $(daemon_tests) tests/daemon/harness.py tests/daemon/postfix.py \
	tests/daemon/some_filter.py tests/daemon/milters.py tests/daemon/tricks.py tests/daemon/mmdb.py tests/daemon/dkim_world.py \
	tests/daemon/exim.py tests/daemon/blocklog.py tests/daemon/parts_gmime.py \
	tests/daemon/broken_disk.c
