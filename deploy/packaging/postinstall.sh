#!/bin/sh
# Runs after an installation and after an upgrade. Debian passes "configure" and the earlier
# version, if any. RPM passes the number of installed versions.
set -e

case "$1" in
abort-*) exit 0 ;;
configure) earlier=$2 ;;
1) earlier= ;;
*) earlier=yes ;;
esac

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers rollcall.conf
elif ! getent passwd rollcall >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir /var/lib/rollcall --shell /usr/sbin/nologin rollcall
fi
install -d -m 0700 -o rollcall -g rollcall /var/lib/rollcall
# The settings can contain the password of a URL. A file that the operator has removed stays
# removed.
install -d -m 0750 -o root -g rollcall /etc/rollcall
if [ -e /etc/rollcall/rollcall.yml ]; then
	chown root:rollcall /etc/rollcall/rollcall.yml
	chmod 0640 /etc/rollcall/rollcall.yml
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	if [ -n "$earlier" ]; then
		# Wrong settings are no reason to leave the package half installed.
		systemctl try-restart rollcall.service ||
			echo 'The server did not start again. The reason is in: journalctl --unit=rollcall' >&2
	fi
fi
if [ -z "$earlier" ]; then
	echo 'Rollcall is installed. Its settings are in /etc/rollcall/rollcall.yml. Start it with: systemctl enable --now rollcall'
fi
