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

func TestJitterGoesAsFarAsTenPercentEitherWay(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 54 * time.Second, 0.5: time.Minute, 0.999999: 66 * time.Second} {
		if off := (retry.Jitter(time.Minute, random) - want).Abs(); off > time.Millisecond {
			t.Errorf("%v: off by %v", random, off)
		}
	}
}

func TestJitterStaysWithinTenPercent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, int64(48*time.Hour)).Draw(rt, "wait"))
		random := rapid.Float64Range(0, 0.999).Draw(rt, "random")
		if got := retry.Jitter(d, random); got < d*9/10-1 || got > d*11/10+1 {
			rt.Errorf("%v became %v", d, got)
		}
	})
}
