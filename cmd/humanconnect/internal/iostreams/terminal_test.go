package iostreams

import "testing"

func TestTerminalThatIsNotKnownIsDumb(t *testing.T) {
	for kind, want := range map[string]bool{
		"": true, "dumb": true, "unknown": true, "nosuch-256color": true, "ansi": true, "network": true, "vt52": true, "emacs": true,
		"xterm": false, "xterm-256color": false, "screen.xterm-256color": false, "tmux-256color": false, "linux": false, "vt220": false,
		"rxvt-unicode-256color": false, "alacritty": false, "st-256color": false, "XTERM": false,
	} {
		s := newTestIO(t)
		s.vars["TERM"] = kind
		if s.Dumb() != want {
			t.Errorf("TERM=%s: dumb is %v", kind, s.Dumb())
		}
	}
}
