#!/bin/sh
# A whole session, in a temporary directory: create a token, connect four sources and disconnect one, deliver each event to a
# shell hook, and print the response. One source uses OAuth: its authorization server runs here too, and a program
# replaces the person at the consent page. `make demo` builds and runs it.
set -eu
bin=${BIN:-$(cd "$(dirname "$0")/../bin" && pwd)}
dir=$(mktemp -d)
trap 'kill ${tail:-} ${server:-} 2>/dev/null || true; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT PIPE TERM
cd "$dir"
PATH=$bin:$PATH
# Do not use the installation of this machine.
export HOME="$dir" XDG_CONFIG_HOME="$dir/config" XDG_DATA_HOME="$dir/data" XDG_STATE_HOME="$dir/state"
for name in BROWSER $(env | sed -n 's/^\(HUMANCONNECT_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

(umask 077; echo password > password)
cat > config.yaml <<'CONFIG'
version: 1
clientId: demo
sources:
  - id: sandbox-tracker
    settings: {server: SERVER}
hooks:
  - name: journal
    on: [onConnectSource, onDisconnectSource, onClose]
    shell: 'echo "  hook: event $HUMANCONNECT_SEQUENCE, $HUMANCONNECT_EVENT_TYPE, $(wc -c) bytes" >> hook.log'
plan:
  actions:
    - connect: sandbox-instant
    - connect: sandbox-clinic
      answers: {username: demouser, password: {file: password}}
    - connect: sandbox-family
      answers: {username: demouser, password: {file: password}, member: robin}
    - connect: sandbox-tracker
    - disconnect: sandbox-clinic
CONFIG
# A free port, because another server may be running.
humanconnect --config none sandbox --listen 127.0.0.1:0 > server.url & server=$!
tries=0
until [ -s server.url ]; do
	kill -0 "$server"
	tries=$((tries + 1))
	[ "$tries" -le 300 ] || { echo "the authorization server did not start within 30 s" >&2; exit 1; }
	sleep 0.1
done
sed -i.bak "s|SERVER|$(cat server.url)|" config.yaml
export BROWSER='humanconnect-sandbox consent'
chmod 600 config.yaml
export HUMANCONNECT_CONFIG=config.yaml

say '$ cat config.yaml'
cat config.yaml

say '$ humanconnect source list'
humanconnect source list

say '$ humanconnect token create --client-user-id demo-user > token'
humanconnect token create --client-user-id demo-user > token

say '$ humanconnect open --token @token'
: > hook.log
tail -f hook.log & tail=$!
humanconnect open --token @token > response.json
cat response.json

say 'The same command again prints the stored response: a token opens one session, once.'
say '$ humanconnect open --token @token -o text'
humanconnect open --token @token -o text
