package iostreams

import (
	"bytes"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/clock/clocktest"
)

// testIO is an IO without terminals whose outside is all in the test's hands.
type testIO struct {
	*IO
	out, err bytes.Buffer
	clock    *clocktest.Fake
	vars     map[string]string
}

func newTestIO(t *testing.T, args ...string) *testIO {
	t.Helper()
	s := &testIO{clock: clocktest.New(time.Date(2026, 11, 22, 20, 26, 10, 0, time.UTC)), vars: map[string]string{"TERM": "xterm"}}
	s.IO = &IO{
		In: bytes.NewReader(nil), Out: &s.out, Err: &s.err, Clock: s.clock, Args: args, Flags: Flags{Colour: ColourAuto},
		Env: func(name string) (string, bool) { v, ok := s.vars[name]; return v, ok },
	}
	return s
}
