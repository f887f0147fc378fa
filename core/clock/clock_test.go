package clock

import (
	"testing"
	"time"
)

// TestMachineClockThatIsSetBackGoesOn: the times of a process never go back; set forward, they follow.
func TestMachineClockThatIsSetBackGoesOn(t *testing.T) {
	began := time.Now()
	at := began
	c := &system{wall: func() time.Time { return at }}
	// shift sets the clock of the machine: the wall moves, the monotonic reading does not.
	want := began.UTC().Truncate(time.Millisecond)
	if got := c.Now(); !got.Equal(want) {
		t.Fatalf("%s, not %s", got, want)
	}
	at = began.Add(time.Second)
	if got := c.Now(); !got.Equal(want.Add(time.Second)) {
		t.Errorf("%s", got)
	}
	c.latest = c.latest.Add(2 * time.Hour) // as if the machine had been two hours ahead until now
	ahead := c.Now()
	if !ahead.Equal(want.Add(time.Second + 2*time.Hour)) {
		t.Errorf("set back two hours: %s", ahead)
	}
	for n := range 3 {
		at = at.Add(time.Minute)
		if got, want := c.Now(), ahead.Add(time.Duration(n+1)*time.Minute); !got.Equal(want) {
			t.Errorf("set back: %s, not %s", got, want)
		}
	}
	c.latest = c.latest.Add(-4 * time.Hour) // as if it had been two hours behind
	if got, want := c.Now(), at.UTC().Truncate(time.Millisecond); !got.Equal(want) {
		t.Errorf("set forward: %s, not %s", got, want)
	}
}
