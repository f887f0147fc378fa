#!/bin/sh
# Checks the tools that the tests need besides Go: a C compiler for the race detector, openssl for independent keys and tokens,
# Node with npm for third-party programs, Django OAuth Toolkit as a third-party authorization server, chromium for the page
# after a redirect, readers for the man pages, and shells for their completion. On Debian and its derivatives, as root,
# it installs what is missing; elsewhere it prints what to install.
set -eu

missing=
command -v "${CC:-gcc}" >/dev/null 2>&1 || missing="gcc libc6-dev"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
/usr/bin/python3 -c 'import oauth2_provider' >/dev/null 2>&1 || missing="$missing python3-django-oauth-toolkit"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
for tool in groff man:man-db mandoc zsh fish; do
	command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool##*:}"
done
if [ -z "$missing" ]; then
	exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing the tools that the tests need: $missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	apt-get install -qq -y --no-install-recommends $missing
	exit 0
fi
echo "the tests need these tools: $missing" >&2
echo "install them; on Debian: sudo apt-get install $missing" >&2
exit 1
