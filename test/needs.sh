#!/bin/sh
# Sees to it that what the tests need beside Go is there: a C compiler for the race detector, openssl, which makes keys and
# tokens that are not of our making, Node with npm for programs of others, and chromium, which a person might come back from
# a source in. On Debian and its kin, as root, it installs what is missing; elsewhere it says exactly what to install.
set -eu

missing=
command -v "${CC:-gcc}" >/dev/null 2>&1 || missing="gcc libc6-dev"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
if [ -z "$missing" ]; then
	exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing for the tests: $missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	apt-get install -qq -y --no-install-recommends $missing
	exit 0
fi
echo "missing for the tests: $missing" >&2
echo "install it, on Debian: sudo apt-get install $missing" >&2
exit 1
