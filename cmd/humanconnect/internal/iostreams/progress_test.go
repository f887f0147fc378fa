package iostreams

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressShowsOnlyLongWorkToAPerson(t *testing.T) {
	a := newTestIO(t)
	if p := a.StartProgress("x"); p != nil {
		t.Error("there is progress without a terminal")
	}
	a.ErrTerminal = true
	p := a.StartProgress("short work")
	p.Done()
	if a.err.Len() > 0 {
		t.Errorf("short work flickered: %q", a.err.String())
	}

	p = a.StartProgress("starting providers")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	p.Set("connecting\x1b[2J")
	p.Done()
	if want := eraseLine + "starting providers …" + eraseLine + "connecting"; !bytes.HasPrefix(a.err.Bytes(), []byte(want)) {
		t.Errorf("progress wrote %q, want it to begin with %q", a.err.String(), want)
	}
	if bytes.Contains(a.err.Bytes(), []byte("\x1b[2J")) || !bytes.HasSuffix(a.err.Bytes(), []byte(eraseLine)) {
		t.Errorf("progress wrote %q: it must be clean and erase itself", a.err.String())
	}

	a = newTestIO(t)
	a.IO.Err, a.ErrTerminal = &notices{w: &a.err}, true
	p = a.StartProgress("waiting")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	a.Warn("a hook failed")
	p.Done()
	a.Warn("another did")
	want := eraseLine + "waiting …" + eraseLine + "humanconnect: warning: a hook failed\nwaiting …" + eraseLine + "humanconnect: warning: another did\n"
	if a.err.String() != want {
		t.Errorf("a warning and the line are %q, want %q", a.err.String(), want)
	}

	for name, change := range map[string]func(*testIO){
		"quiet": func(a *testIO) { a.Flags.Quiet = true },
		"unset": func(a *testIO) { delete(a.vars, "TERM") },
		"dumb":  func(a *testIO) { a.vars["TERM"] = "dumb" },
		"json":  func(a *testIO) { a.Flags.Output = OutputJSON },
	} {
		a := newTestIO(t)
		a.ErrTerminal = true
		change(a)
		if a.StartProgress("x") != nil {
			t.Errorf("there is progress with %s", name)
		}
	}
	var silent *Progress
	silent.Set("x")
	silent.Done()
}

func TestProgressGivesWayToWhatAPersonTypesAndToOtherWork(t *testing.T) {
	a := newTestIO(t)
	a.IO.Err, a.ErrTerminal = &notices{w: &a.err}, true
	draws := func(text string) *Progress {
		p := a.StartProgress(text)
		waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
		a.clock.Advance(progressDelay)
		waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
		return p
	}
	outer := draws("outer")
	inner := draws("inner")
	inner.Done()
	show := outer.Hide()
	a.Warn("paste it")
	show()
	outer.Done()
	want := eraseLine + "outer …" + eraseLine + "inner …" + eraseLine + "outer …" + eraseLine +
		"humanconnect: warning: paste it\n" + eraseLine + "outer …" + eraseLine
	if a.err.String() != want {
		t.Errorf("%q is written, want %q", a.err.String(), want)
	}
}

func TestProgressThatIsHiddenBeforeItIsDrawnErasesNoPrompt(t *testing.T) {
	a := newTestIO(t)
	a.IO.Err, a.ErrTerminal = &notices{w: &a.err}, true
	p := a.StartProgress("connecting")
	show := p.Hide()
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	p.Set("still connecting")
	if a.err.Len() > 0 {
		t.Errorf("%q is written over the prompt", a.err.String())
	}
	show()
	p.Done()
	if want := eraseLine + "still connecting …" + eraseLine; a.err.String() != want {
		t.Errorf("%q is written, want %q", a.err.String(), want)
	}
}

func TestProgressIsPrintedInLinesForAScreenReader(t *testing.T) {
	a := newTestIO(t)
	a.IO.Err, a.ErrTerminal, a.vars["ACCESSIBLE"] = &notices{w: &a.err}, true, "1"
	p := a.StartProgress("one thing")
	waitUntil(t, func() bool { return a.clock.Waiting() == 1 })
	a.clock.Advance(progressDelay)
	waitUntil(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.drawn })
	p.Hide()()
	p.Set("another")
	p.Done()
	if want := "humanconnect: one thing …\nhumanconnect: another …\n"; a.err.String() != want {
		t.Errorf("%q is written, want %q", a.err.String(), want)
	}
}

// waitUntil polls with a limit.
func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	limit := time.After(time.Minute)
	for !ok() {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatal("waited too long")
		}
	}
}
