package hook

import "testing"

func TestReportsAreShownToTheirOwnFrontEndAlone(t *testing.T) {
	own, other := Report{Session: "ses_a", Event: "evt_a"}, Report{Session: "ses_b", Event: "evt_b"}
	outside, foreign := Report{Event: "evt_c"}, Report{Event: "evt_d"}
	for name, c := range map[string]struct {
		own  func(*Audience)
		want [4]bool // of own, other, outside, foreign
	}{
		"nobody's":            {func(*Audience) {}, [4]bool{}},
		"of a session":        {func(a *Audience) { a.Own(Scope{Session: "ses_a"}) }, [4]bool{true}},
		"of an event outside": {func(a *Audience) { a.Own(Scope{Event: "evt_c"}) }, [4]bool{2: true}},
		"of nothing":          {func(a *Audience) { a.Own(Scope{}) }, [4]bool{}},
		"of all":              {func(a *Audience) { a.OwnAll() }, [4]bool{true, true, true, true}},
		"of all, in one":      {func(a *Audience) { a.OwnAll(); a.Own(Scope{Session: "ses_a"}) }, [4]bool{true, true, true, true}},
		"of the last one":     {func(a *Audience) { a.Own(Scope{Session: "ses_a"}); a.Own(Scope{Session: "ses_b"}) }, [4]bool{1: true}},
	} {
		a := &Audience{}
		c.own(a)
		for i, r := range []Report{own, other, outside, foreign} {
			if a.MaySee(r) != c.want[i] {
				t.Errorf("%s: report %d is shown: %t", name, i, !c.want[i])
			}
		}
	}
	a := &Audience{} // one of no session and no event is nobody's
	if a.MaySee(Report{}) {
		t.Error("a report of nothing is shown to nobody in particular")
	}
}
