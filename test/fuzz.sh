#!/bin/sh
# Fuzzes every fuzz target of both modules, one after the other.
# usage: fuzz.sh TIME, as in 20s
set -eu

time=$1
go=${GO:-go}
root=$(cd "$(dirname "$0")/.." && pwd)
for module in "$root" "$root/sdk"; do
	cd "$module"
	for package in $("$go" list ./...); do
		for target in $("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
			echo "== $package $target"
			"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
		done
	done
done
