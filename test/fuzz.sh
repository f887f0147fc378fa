#!/bin/sh
# Runs every fuzz target of both modules, one after the other. It continues after a failure, and then exits with 1.
# usage: fuzz.sh TIME, as in 20s
set -eu

time=$1
go=${GO:-go}
root=$(cd "$(dirname "$0")/.." && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=

# fuzz runs one target of a package, and logs its output.
fuzz() {
	echo "== $1 $2"
	{ "$go" test -run '^$' -fuzz "^$2\$" -fuzztime "$time" "$1" 2>&1 || echo "failed: $2"; } | tee "$log"
	! grep -q "^failed: $2\$" "$log"
}

# late reports whether the only failure is that time ran out while a worker was busy: go.dev/issue/75804.
late() {
	grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input written\|panic:' "$log"
}

for module in "$root" "$root/sdk"; do
	cd "$module"
	for package in $("$go" list ./...); do
		if ! "$go" test -list '^Fuzz' "$package" > "$log"; then
			failed="$failed $package"
			continue
		fi
		for target in $(grep '^Fuzz' "$log" || true); do
			fuzz "$package" "$target" || { late && fuzz "$package" "$target"; } || failed="$failed $package.$target"
		done
	done
done
if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
