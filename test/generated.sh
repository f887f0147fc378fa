#!/bin/sh
# Fails if the generated code is out of date with sdk/proto.
# usage: generated.sh TOOLS, with the directory of the tools
set -eu

tools=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$(dirname "$0")/../sdk/proto"
mkdir "$out/providerv1"
PATH="$tools:$PATH" "$tools/buf" generate -o "$out"
if ! diff -r "$out/providerv1" providerv1; then
	echo "sdk/proto/providerv1 is out of date: run make generate" >&2
	exit 1
fi
