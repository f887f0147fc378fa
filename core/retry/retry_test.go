package retry_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/retry"
)

func TestSchedulesAreThoseThatAreDocumented(t *testing.T) {
	for name, c := range map[string]struct {
		got  []time.Duration
		want string
	}{
		"quick": {retry.Quick(), "0s 1s 5s 20s "},
		"long":  {retry.Long(), "5m0s 30m0s 2h0m0s 5h0m0s 10h0m0s 14h0m0s 20h0m0s 24h0m0s "},
	} {
		got := ""
		for _, d := range c.got {
			got += d.String() + " "
		}
		if got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got, want := retry.LongTotal(), 75*time.Hour+35*time.Minute; got != want {
		t.Errorf("the long schedule takes %v, not %v", got, want)
	}
}

func TestCallerMayKeepASchedule(t *testing.T) {
	retry.Long()[0] = 0
	if retry.Long()[0] == 0 {
		t.Error("one caller changed the schedule of all")
	}
}

func TestJitterStaysWithinTenPercentInMilliseconds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, int64(48*time.Hour)).Draw(rt, "wait"))
		var random func() float64 // the machine's
		if rapid.Bool().Draw(rt, "given") {
			at := rapid.Float64Range(0, 1).Draw(rt, "random")
			random = func() float64 { return at }
		}
		got := retry.Jitter(d, random)
		if got < d*9/10-time.Millisecond || got > d*11/10+1 || got%time.Millisecond != 0 {
			rt.Errorf("%v became %v", d, got)
		}
	})
}

func TestJitterIsThatOfTheNumberGiven(t *testing.T) {
	for at, want := range map[float64]time.Duration{0: 9 * time.Minute, 0.5: 10 * time.Minute, 0.75: 10*time.Minute + 30*time.Second} {
		if got := retry.Jitter(10*time.Minute, func() float64 { return at }); got.Round(time.Millisecond) != want && got != want-time.Millisecond {
			t.Errorf("%v: %v, want %v", at, got, want)
		}
	}
}
