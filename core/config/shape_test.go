package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// problemsOf loads a config and returns its problems as "LINE:COLUMN KEY TEXT".
func problemsOf(t *testing.T, text string) []string {
	t.Helper()
	path := write(t, text)
	_, _, err := config.Load(options(path))
	if err != nil && problem.CodeOf(err) != config.CodeInvalid {
		t.Fatalf("%v", err)
	}
	var out []string
	for _, f := range factsOf(err) {
		out = append(out, strings.TrimPrefix(strings.Join(strings.Fields(f), " "), path+":"))
	}
	return out
}

// mistakes are configs with what is said of them. Each is one that a person would make.
var mistakes = []struct{ name, text, want string }{
	{"not YAML", "version: 1\n\tx: y", "2:1 not YAML: a tab, where YAML takes blanks alone; indent with blanks"},
	{"a list", "- a", "1:1 a list, where keys with values are expected"},
	{"a word", "hello", "1:1 a single value, where keys with values are expected"},
	{"two documents", "version: 1\n---\nversion: 1\n", "2:1 one document only, and this is the second"},
	{"no version", "clientId: x", "1:1 version is missing; write version: 1"},
	{"other version", "version: 2", `1:10 version "2" is not a version that this program knows; write 1`},
	{"quoted version", `version: "1"`, `1:10 version "1" is not a version that this program knows; write 1`},
	{"unknown key", "version: 1\nstor: {}", `2:1 stor unknown key; did you mean "store"?`},
	{"key of later", "version: 1\nserve: {}", "2:1 serve unknown key; known here: version, clientId, store, token, callback, connection, providers, sources, hooks, plan"},
	{"callback everywhere", "version: 1\ncallback: {listen: \"0.0.0.0:80\"}", `2:20 callback.listen "0.0.0.0:80" is not a loopback address with a port, such as 127.0.0.1:0`},
	{"callback at a name", "version: 1\ncallback: {listen: \"localhost:80\"}", `2:20 callback.listen "localhost:80" is not a loopback address with a port, such as 127.0.0.1:0`},
	{"callback without a port", "version: 1\ncallback: {listen: 127.0.0.1}", `2:20 callback.listen "127.0.0.1" is not a loopback address with a port, such as 127.0.0.1:0`},
	{"callback URL", "version: 1\ncallback: {url: \"ftp://x\"}", `2:17 callback.url "ftp://x" is not an http(s) URL without a fragment`},
	{"callback URL of a source", "version: 1\nsources:\n  - {id: a, callbackUrl: /x}", `3:26 sources[0].callbackUrl "/x" is not an http(s) URL without a fragment`},
	{"other case", "version: 1\nclientID: x", `2:1 clientID unknown key; did you mean "clientId"?`},
	{"key twice", "version: 1\nclientId: x\nclientId: y", "3:1 clientId duplicate key"},
	{"key twice, other case", "version: 1\nclientId: x\nclientID: y", `3:1 clientID differs from "clientId" only in upper and lower case`},
	{"merge key", "version: 1\n<<: {clientId: x}", "2:1 << unknown key; known here: version, clientId, store, token, callback, connection, providers, sources, hooks, plan"},
	{"anchor", "version: 1\nclientId: &a x", "2:11 clientId anchors and aliases are not supported; write the value out"},
	{"alias", "version: 1\nclientId: &a x\nstore: *a", "2:11 clientId anchors and aliases are not supported; write the value out | 3:8 store anchors and aliases are not supported; write the value out"},
	{"unknown alias", "version: 1\nclientId: *s3cret", "2:11 not YAML: a value that begins with *, which YAML takes for an alias; put it in quotes"},
	{"tag", "version: 1\nclientId: !!binary aGk=", "2:11 clientId tags are not supported; write the value without one"},
	{"complex key", "version: 1\n? [a]\n: b", "2:3 a key is plain text"},
	{"null", "version: 1\nclientId:", "2:10 clientId has no value; give one or leave the key out"},
	{"empty", `{version: 1, clientId: ""}`, "1:24 clientId is empty; give a value or leave the key out"},
	{"map for text", "version: 1\nclientId: {a: b}", "2:11 clientId keys with values, where one value is expected"},
	{"text for map", "version: 1\ntoken: local", "2:8 token a single value, where keys with values are expected"},
	{"map for list", "version: 1\nhooks: {journal: x}", "2:8 hooks keys with values, where a list is expected"},
	{"bad driver", "version: 1\nstore: {driver: postgres}", `2:17 store.driver "postgres" is none of: sqlite`},
	{"bad check", "version: 1\ntoken: {check: jtw}", `2:16 token.check "jtw" is none of: local, jwt, introspection`},
	{"number as duration", "version: 1\ntoken: {ttl: 15}", `2:14 token.ttl "15" is not a duration; write 15s`},
	{"no duration", "version: 1\ntoken: {ttl: soon}", `2:14 token.ttl "soon" is not a duration, such as 15s, 1h30m or 14d`},
	{"negative", "version: 1\ntoken: {ttl: -1s}", `2:14 token.ttl "-1s" is not longer than nothing`},
	{"too long", "version: 1\ntoken: {ttl: 9000h}", `2:14 token.ttl "9000h" is longer than the most, 8760h0m0s`},
	{"variable of a shell", "version: 1\nstore: {path: $HOME/state}", `2:15 store.path "$HOME/state": $ is not expanded here; write the path out`},
	{"variable in the middle", "version: 1\nstore: {key: {file: '/x/${USER}/k'}}", `2:21 store.key.file "/x/${USER}/k": $ is not expanded here; write the path out`},
	{"control character", "version: 1\nclientId: \"demo\\r\"", `2:11 clientId has a control character: "demo\r"`},
	{"tilde", "version: 1\nstore: {path: ~/state}", `2:15 store.path "~/state": ~ is not expanded here; write the path out`},
	{"plain key", "version: 1\nstore: {key: abc}", "2:14 store.key a secret must be a reference, such as {file: PATH}"},
	{"two ways", "version: 1\nstore: {key: {file: a, env: B}}", "2:14 store.key give one of file, env and command"},
	{"no way", "version: 1\nstore: {key: {}}", "2:14 store.key give one of file, env and command"},
	{"other way", "version: 1\nstore: {key: {fil: a}}", `2:15 store.key.fil unknown key; did you mean "file"?`},
	{"command line", "version: 1\nstore: {key: {command: pass show}}", "2:24 store.key.command a single value, where a list is expected: [program, argument]"},
	{"bad variable", "version: 1\nstore: {key: {env: A=B}}", "2:20 store.key.env is not the name of a variable"},

	{"provider without name", "version: 1\nproviders:\n  - {dev: true}", "3:5 providers[0].name is missing"},
	{"provider name", "version: 1\nproviders:\n  - {name: Acme_1, dev: true}", `3:12 providers[0].name "Acme_1" is not a name of lower-case letters, digits and hyphens, 63 at most`},
	{"provider that says nothing", "version: 1\nproviders:\n  - name: acme", "3:5 providers[0] has no effect; set command, sha256 or dev"},
	{"provider twice", "version: 1\nproviders:\n  - {name: a, dev: true}\n  - {name: a, dev: true}", `4:12 providers[1].name "a" is a duplicate of line 3`},
	{"provider shell", "version: 1\nproviders:\n  - {name: a, command: ./a -v}", "3:24 providers[0].command a single value, where a list is expected: [program, argument]"},
	{"provider no program", "version: 1\nproviders:\n  - {name: a, command: []}", "3:24 providers[0].command names no program"},
	{"digest", "version: 1\nproviders:\n  - {name: a, sha256: abc}", "3:23 providers[0].sha256 is not a SHA-256 digest of 64 hex digits"},
	{"dev and pin", "version: 1\nproviders:\n  - {name: a, dev: true, sha256: " + strings.Repeat("a", 64) + "}", "3:20 providers[0].dev skips the pin that sha256 sets; give one of the two"},
	{"dev: yes", "version: 1\nproviders:\n  - {name: a, dev: yes}", `3:20 providers[0].dev "yes" is neither true nor false`},
	{"quoted true", "version: 1\nproviders:\n  - {name: a, dev: \"true\"}", `3:20 providers[0].dev "true" is neither true nor false`},
	{"null item", "version: 1\nproviders:\n  -", "3:4 providers[0] has no value; set one or remove the key"},
	{"word item", "version: 1\nproviders: [acme]", "2:13 providers[0] a single value, where keys with values are expected"},

	{"source without id", "version: 1\nsources:\n  - {provider: a}", "3:5 sources[0].id is missing"},
	{"source that says nothing", "version: 1\nsources:\n  - id: a", "3:5 sources[0] has no effect; set provider, clientId, clientSecret, callbackUrl, settings or definition"},
	{"source twice", "version: 1\nsources:\n  - {id: a, clientId: x}\n  - {id: a, clientId: y}", `4:10 sources[1].id "a" is a duplicate of line 3`},
	{"plain secret", "version: 1\nsources:\n  - {id: a, clientSecret: s3cret}", "3:27 sources[0].clientSecret a secret must be a reference, such as {file: PATH}"},
	{"setting name", "version: 1\nsources:\n  - {id: a, settings: {API-Key: x}}", `3:24 sources[0].settings.API-Key "API-Key" is not a name of lower-case letters, digits and underscores, 63 at most`},
	{"setting list", "version: 1\nsources:\n  - {id: a, settings: {x: [s3cret]}}", "3:27 sources[0].settings.x a list, where one value is expected"},
	{"setting twice", "version: 1\nsources:\n  - {id: a, settings: {x: 1, x: 2}}", "3:30 sources[0].settings.x duplicate key"},

	{"hook without all", "version: 1\nhooks:\n  - {timeout: 1s}", "3:5 hooks[0].name is missing | 3:5 hooks[0].on is missing | 3:5 hooks[0] give one of shell, a line for sh, command, a list, and url"},
	{"hook with both", "version: 1\nhooks:\n  - {name: a, on: [onClose], shell: x, command: [x]}", "3:5 hooks[0] give one of shell, a line for sh, command, a list, and url"},
	{"hook twice", "version: 1\nhooks:\n  - {name: a, on: [onClose], shell: x}\n  - {name: a, on: [onClose], shell: y}", `4:12 hooks[1].name "a" is a duplicate of line 3`},
	{"hook of no kind", "version: 1\nhooks:\n  - {name: a, on: [onClose], urls: y}", `3:5 hooks[0] give one of shell, a line for sh, command, a list, and url | 3:30 hooks[0].urls unknown key; did you mean "url"?`},
	{"url without secret", "version: 1\nhooks:\n  - {name: a, on: [onClose], url: 'https://x.test/s3cret'}", "3:35 hooks[0].secret is missing; what is sent to a url is signed"},
	{"url in plain http", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'http://x.test/s3cret'}", "3:53 hooks[0].url is plain http to another machine; write https, or allowInsecure: true"},
	{"url that is none", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'ftp://x.test/s3cret'}", "3:53 hooks[0].url is not an http or https URL"},
	{"url with password", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'https://u:s3cret@x.test/'}", "3:53 hooks[0].url holds a user name or a password"},
	{"url of metadata", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'http://169.254.169.254/', allowInsecure: true}", "3:53 hooks[0].url is a blocked address"},
	{"plain secret", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: whsec_s3cret, url: 'https://x.test/'}", "3:38 hooks[0].secret a secret must be a reference, such as {file: PATH}"},
	{"proxy with a path", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'https://x.test/', proxy: 'http://p.test/x'}", "3:79 hooks[0].proxy is not an http or https URL"},
	{"plain http by a proxy", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'http://localhost/', proxy: 'http://p.test'}", "3:81 hooks[0].proxy is another machine, and would receive plain http; write https in url, or allowInsecure: true"},
	{"url with an empty port", "version: 1\nhooks:\n  - {name: a, on: [onClose], secret: {env: S}, url: 'https://x.test:/'}", "3:53 hooks[0].url has an invalid port"},
	{"keys of a url without it", "version: 1\nhooks:\n  - {name: a, on: [onClose], shell: x, secret: {env: S}, proxy: 'http://p.test'}", "3:48 hooks[0].secret goes with url, which is missing | 3:65 hooks[0].proxy goes with url, which is missing"},
	{"on a word", "version: 1\nhooks:\n  - {name: a, on: onClose, shell: x}", "3:19 hooks[0].on a single value, where a list is expected"},
	{"on nothing", "version: 1\nhooks:\n  - {name: a, on: [], shell: x}", "3:19 hooks[0].on is empty; use one or more of onConnectSource, onDisconnectSource, onClose, onNeedsReconnect"},
	{"on unknown", "version: 1\nhooks:\n  - {name: a, on: [onclose], shell: x}", `3:20 hooks[0].on[0] "onclose" is none of onConnectSource, onDisconnectSource, onClose, onNeedsReconnect; did you mean "onClose"?`},
	{"on twice", "version: 1\nhooks:\n  - {name: a, on: [onClose, onClose], shell: x}", "3:29 hooks[0].on[1] onClose is there twice"},
	{"hook too long", "version: 1\nhooks:\n  - {name: a, on: [onClose], shell: x, timeout: 2h}", `3:49 hooks[0].timeout "2h" is longer than the most, 1h0m0s`},

	{"plan without actions", "version: 1\nplan: {}", "2:7 plan.actions names no action; leave the plan out or give one"},
	{"plan with none", "version: 1\nplan: {actions: []}", "2:7 plan.actions names no action; leave the plan out or give one"},
	{"action of both", "version: 1\nplan: {actions: [{connect: a, disconnect: b}]}", "2:18 plan.actions[0] give either connect or disconnect"},
	{"action of neither", "version: 1\nplan: {actions: [{answers: {}}]}", "2:18 plan.actions[0] give either connect or disconnect"},
	{"action a word", "version: 1\nplan: {actions: [connect]}", "2:18 plan.actions[0] a single value, where keys with values are expected"},
	{"null action", "version: 1\nplan:\n  actions:\n    -", "4:6 plan.actions[0] has no value; set one or remove the key"},
	{"bad source", "version: 1\nplan: {actions: [{connect: A B}]}", `2:28 plan.actions[0].connect "A B" is the id of neither a source nor a connection`},
	{"bad connection", "version: 1\nplan: {actions: [{connect: con_1}]}", "2:28 plan.actions[0].connect is not the id of a connection: con_ is followed by 26 characters of 0123456789abcdefghjkmnpqrstvwxyz"},
	{"disconnect answers", "version: 1\nplan: {actions: [{disconnect: a, answers: {x: y}}]}", "2:43 plan.actions[0].answers a disconnect asks nothing"},
	{"answer reference", "version: 1\nplan: {actions: [{connect: a, answers: {x: {fle: y}}}]}", `2:45 plan.actions[0].answers.x.fle unknown key; did you mean "file"?`},
}

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	for _, m := range mistakes {
		got := problemsOf(t, m.text)
		if diff := cmp.Diff(strings.Split(m.want, " | "), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", m.name, diff)
		}
		if strings.Contains(strings.Join(got, ""), "s3cret") {
			t.Errorf("%s: a secret is told", m.name)
		}
	}
}

func TestSectionsWithoutContentAreEmpty(t *testing.T) {
	if got := problemsOf(t, "version: 1\nstore:\ntoken:\nproviders:\nsources: []\nhooks:\n"); got != nil {
		t.Errorf("%v", got)
	}
}

func FuzzLoadNeverPanicsAndAlwaysSaysWhatIsWrong(f *testing.F) {
	f.Add(whole)
	f.Add(strings.Replace(whole, "API_off", "api_off", 1))
	for _, m := range mistakes {
		f.Add(m.text)
	}
	path := write(f, "")
	f.Fuzz(func(t *testing.T, text string) {
		overwrite(t, path, text)
		c, _, err := config.Load(options(path))
		switch {
		case err == nil && c != nil:
			for _, e := range c.Redacted() {
				if e.Key == "" || e.Origin == "" {
					t.Errorf("an entry without key or origin: %+v", e)
				}
			}
		case problem.CodeOf(err) == "" || c != nil:
			t.Errorf("neither config nor problem: %v", err)
		case problem.CodeOf(err) == config.CodeInvalid && len(factsOf(err)) == 0:
			t.Errorf("says nothing of what is wrong: %v", err)
		}
	})
}
