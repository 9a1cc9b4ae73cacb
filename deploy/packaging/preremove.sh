#!/bin/sh
# Runs before a removal and before an upgrade. Only a removal stops the server: after an
# upgrade it is restarted. Debian passes "remove". RPM passes the number of versions left.
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now rollcall.service rollcall.socket rollcall-admin.socket
	fi
	;;
esac
