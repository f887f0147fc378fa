package plugins_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/plugins"
)

// What is dialled is a socket of the provider's own. Behind any other path another process could get what is for this provider.
func TestSocketThatIsNotTheProvidersOwnIsRefused(t *testing.T) {
	s := newStage(t)
	dir := shortDir(t)
	other := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", other)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for name, c := range map[string]struct{ make, path, says string }{
		"a symbolic link":       {"ln -s " + other + " x", "x", "it is a symbolic link"},
		"a link of a directory": {"ln -s " + dir + " d", "d/s", "it is a symbolic link"},
		"another's socket":      {"ln " + other + " x", "x", "another process listens on it"},
		"a file":                {": > x", "x", "it is not a socket"},
		"a pipe":                {"mkfifo x", "x", "it is not a socket"},
		"a directory":           {"mkdir x", "x", "it is not a socket"},
	} {
		t.Run(name, func(t *testing.T) {
			h := s.in(t).hostOf(s.script(t, "#!/bin/sh\ncd $PLUGIN_UNIX_SOCKET_DIR\n"+c.make+
				"\necho \"1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/"+c.path+"|grpc\"\nexec sleep 300"))
			_, err := h.Provider(t.Context(), "test", "instant")
			if e := failure(t, err); e.Code() != plugins.CodeProtocol || !strings.Contains(explain(err), c.says) {
				t.Error(explain(err))
			}
		})
	}
}

// A program that a provider starts may serve for it.
func TestSocketOfAChildOfTheProviderIsItsOwn(t *testing.T) {
	s := newStage(t)
	for name, script := range map[string]string{
		"in its session":     s.self + " act:provider " + s.marker + " & wait",
		"in one of its own":  "setsid " + s.self + " act:provider " + s.marker + " & wait",
		"by the second hand": "(" + s.self + " act:provider " + s.marker + "; exit) & wait",
	} {
		t.Run(name, func(t *testing.T) {
			provider(t, s.in(t).hostOf(s.script(t, "#!/bin/sh\n"+script)))
		})
	}
}
