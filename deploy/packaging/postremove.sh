#!/bin/sh
# Runs after a removal, a purge and an upgrade. Accounts and keys are never removed, and
# neither is the user that owns them.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$1" in
remove | purge | 0)
	if [ -d /var/lib/rollcall ]; then
		echo 'The accounts and the keys of Rollcall remain in /var/lib/rollcall. If nobody needs them, remove that directory and the user rollcall.'
	fi
	;;
esac
