# What make install puts beside the programs, and what a tarball needs beside
# the sources that automake knows of.

dist_man_MANS = man/posternd.8 man/postern.1 man/postern.conf.5 \
	man/postern-sendmail.8

# Shells find what completes a command's words in these places.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = contrib/completion/_postern

EXTRA_DIST += etc/postern.conf contrib/completion/postern.bash \
	.ci/run \
	contrib/check contrib/check-format contrib/check-layers \
	contrib/demo-host contrib/packages contrib/postern.service \
	contrib/prove-spool contrib/quickstart \
	docs/architecture.md docs/benchmarks.md docs/benchmarks.svg \
	docs/performance.md docs/scale.md docs/security.md \
	docs/spool.md docs/testing.md \
	contrib/bench-instructions \
	contrib/bench contrib/benching/__init__.py contrib/benching/exim.py \
	contrib/benching/haraka.py contrib/benching/idle.py \
	contrib/benching/loads.py contrib/benching/machine.py \
	contrib/benching/opensmtpd.py contrib/benching/plot.py \
	contrib/benching/postern.py contrib/benching/postfix.py \
	contrib/benching/prepare.py contrib/benching/processes.py \
	contrib/benching/report.py contrib/benching/scale.py \
	contrib/benching/server.py contrib/benching/attack.py contrib/benching/drip.py \
	contrib/benching/dkim.py contrib/benching/hosts.py contrib/benching/mix.py \
	contrib/benching/syncs.py contrib/benching/trust.py \
	contrib/check-clients contrib/forged-from contrib/plant \
	contrib/fail2ban/filter.d-postern.conf \
	contrib/fail2ban/jail.d-postern.conf \
	contrib/certbot/postern contrib/grafana/postern.json \
	contrib/logrotate/postern \
	contrib/postfix-queue \
	contrib/prometheus/postern.rules.yml \
	contrib/prometheus/postern.test.yml \
	docs/budgets.md docs/clients.md docs/sending-domains.md \
	docs/filters.md docs/forged-from.md \
	docs/from-postfix.md docs/running.md docs/watching.md \
	contrib/check-package contrib/debian/changelog contrib/debian/control \
	contrib/debian/copyright contrib/debian/postern.dirs \
	contrib/debian/postern.docs \
	contrib/debian/postern.install contrib/debian/postern.logrotate \
	contrib/debian/postern.postinst contrib/debian/postern.postrm \
	contrib/debian/postern.prerm contrib/debian/postern.sysusers \
	contrib/debian/rules contrib/debian/source/format \
	src/spool/README.md \
	tests/daemon/t05_quickstart \
	tests/dialogs

# A configuration that is there stays. The unit gets this build's paths; it is
# data: whether systemd runs the relay is the operator's choice.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/postern'
	test -e '$(DESTDIR)$(sysconfdir)/postern/postern.conf' || \
	    $(INSTALL_DATA) '$(srcdir)/etc/postern.conf' \
		'$(DESTDIR)$(sysconfdir)/postern/postern.conf'
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) '$(srcdir)/contrib/completion/postern.bash' \
	    '$(DESTDIR)$(bashcompletiondir)/postern'
	$(MKDIR_P) '$(DESTDIR)$(pkgdatadir)'
	sed -e 's,/usr/local/sbin,$(sbindir),' -e 's,/usr/local/bin,$(bindir),' \
	    -e 's,/etc/postern/,$(sysconfdir)/postern/,' \
	    '$(srcdir)/contrib/postern.service' \
	    > '$(DESTDIR)$(pkgdatadir)/postern.service'
	chmod 644 '$(DESTDIR)$(pkgdatadir)/postern.service'

# One that was changed stays here too.
uninstall-local:
	rm -f '$(DESTDIR)$(bashcompletiondir)/postern'
	rm -f '$(DESTDIR)$(pkgdatadir)/postern.service'
	! cmp -s '$(srcdir)/etc/postern.conf' \
	    '$(DESTDIR)$(sysconfdir)/postern/postern.conf' || \
	    rm -f '$(DESTDIR)$(sysconfdir)/postern/postern.conf'
	-rmdir '$(DESTDIR)$(sysconfdir)/postern' 2>/dev/null
	-rmdir '$(DESTDIR)$(pkgdatadir)' 2>/dev/null
