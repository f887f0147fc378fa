#!/bin/sh
# Sees to it that what the tests need beside Go is there: a C compiler for the race detector.
# On Debian and its kin, as root, it installs what is missing; elsewhere it says exactly what to install.
set -eu

if command -v "${CC:-gcc}" >/dev/null 2>&1; then
	exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing gcc: the race detector needs a C compiler"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -qq -y --no-install-recommends gcc libc6-dev
	exit 0
fi
echo "missing: a C compiler, which Go's race detector needs." >&2
echo "install gcc and the headers of the C library, on Debian: sudo apt-get install gcc libc6-dev" >&2
exit 1
