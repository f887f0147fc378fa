package session_test

import (
	"os"
	"testing"

	"pgregory.net/rapid"
)

// TestSessionKeepsItsPromisesWhateverHappens runs random sequences of all that can happen to the sessions of a few users
// in many processes, and holds the whole state against a model after every step.
func TestSessionKeepsItsPromisesWhateverHappens(t *testing.T) {
	t.Parallel()
	empty := emptyState(t)
	all := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(all, "") //nolint:usetesting // each check has a state of its own
		if err != nil {
			rt.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			rt.Fatal(err)
		}
		if err := copyState(empty, dir); err != nil {
			rt.Fatal(err)
		}
		m := &machine{w: worldIn(rt, dir, rt.Cleanup)}
		m.w.model.eventLimit = 50
		rt.Cleanup(m.end)
		m.open(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":                  func(*rapid.T) { m.w.check(); m.checkRedirects() },
			"open":              m.open,
			"openAgain":         m.openAgain,
			"openRefused":       m.openRefused,
			"connect":           m.connect,
			"connectOnceMore":   m.connect,
			"connectBeside":     m.connectBeside,
			"sendOff":           m.sendOff,
			"callback":          m.callback,
			"comeBack":          m.comeBack,
			"comeBackElsewhere": m.comeBackElsewhere,
			"disconnect":        m.disconnect,
			"disconnectSlowly":  m.disconnectSlowly,
			"revokeDueSlowly":   m.revokeDueSlowly,
			"lateOutcome":       m.lateOutcome,
			"release":           m.release,
			"interrupt":         m.interrupt,
			"close":             m.close,
			"kill":              m.kill,
			"revokeToken":       m.revokeToken,
			"advance":           m.advance,
			"closeOverdue":      m.closeOverdue,
			"disconnectOutside": m.disconnectOutside,
			"revokeDue":         m.revokeDue,
		})
		m.finish()
	})
}
