package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
)

// runLines prompts line by line. Nothing is redrawn or moves, and everything has a name or a number, for screen readers.
func runLines(ctx context.Context, o Options) error {
	k, err := openKeyboard(tty.AsGuarded(o.Terminal))
	if err != nil {
		return fmt.Errorf("read from the terminal: %w", err)
	}
	defer k.close()
	ctx, cancel := context.WithDeadlineCause(ctx, o.EndsAt, session.ErrEnded)
	defer cancel()
	l := &lines{o: o, keys: k}
	l.outcomes, _ = o.before()
	ctx, lose := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	stops := tty.NewSuspender(k.terminal, k.giveBack, func() { k.retake(); l.askAgain() })
	k.suspend = stops.Request
	watching.Go(func() { stops.Run(ctx) })
	watching.Go(func() {
		lose(watch(ctx, o, func([]session.Connected) {}))
	})
	err = l.run(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	lose(nil)
	watching.Wait()
	if err != nil && l.asking.Load() != nil {
		l.say("")
	}
	if errors.Is(err, session.ErrEnded) {
		l.say("\n%s. %s", sessionEndedTitle, sessionEndedText)
	}
	return err
}

// maxListed is how many sources are listed at once.
const maxListed = 20

type lines struct {
	o    Options
	keys *keyboard
	// outcomes has the last outcome of each source in this session.
	outcomes map[string]sourceOutcome
	// asking is the prompt that is open on the current line, or nil.
	asking atomic.Pointer[string]
}

// say writes one line.
func (l *lines) say(format string, args ...any) {
	l.asking.Store(nil)
	_, _ = fmt.Fprintf(l.o.Terminal, format+"\n", args...) // a lost terminal is detected by the reader
}

// question writes a prompt and stays on the line.
func (l *lines) question(format string, args ...any) {
	asked := fmt.Sprintf(format+" ", args...)
	l.asking.Store(&asked)
	_, _ = io.WriteString(l.o.Terminal, asked)
}

// askAgain repeats the prompt that was open when the program was stopped: a shell has written below it.
func (l *lines) askAgain() {
	if asked := l.asking.Load(); asked != nil {
		_, _ = io.WriteString(l.o.Terminal, "\r\n"+strings.TrimLeft(*asked, "\n"))
	}
}

// run prompts for actions until the person is done.
func (l *lines) run(ctx context.Context) error {
	l.say("Connect your health data. Ctrl-D, or Esc and Enter, goes back; Ctrl-C stops.")
	l.say("The session closes at %s, in %s.", clockTime(l.o.EndsAt), remaining(l.o.EndsAt.Sub(l.o.Clock.Now())))
	if err := l.resume(ctx); err != nil {
		return err
	}
	var at position
	for {
		rows, err := l.rows(ctx)
		if err != nil {
			return err
		}
		shown := find(rows, at.search)
		l.list(shown, at)
		l.question("\nNumber of a source, a word to search for, or \"done\":")
		line, err := l.keys.line(ctx)
		done, chosen := false, (*row)(nil)
		switch {
		case errors.Is(err, errBack) && at == position{}:
			done, err = l.confirm(ctx, "\nAre you done?")
		case errors.Is(err, errBack):
			at, err = position{}, nil
		case err == nil:
			done, chosen = l.pick(strings.TrimSpace(line), shown, &at)
		}
		if err != nil || done {
			return err
		}
		if chosen != nil {
			if err := l.choose(ctx, *chosen); err != nil {
				return err
			}
		}
	}
}

// position is a position in the list: the search, and the number of skipped rows.
type position struct {
	search string
	from   int
}

// pick handles the input at the list: a row, another position, or that the person is done.
func (l *lines) pick(line string, shown []row, at *position) (done bool, chosen *row) {
	n, err := strconv.Atoi(line)
	word, searches := strings.CutPrefix(line, "/")
	switch {
	case line == "":
		*at = position{}
	case strings.EqualFold(line, "done"):
		return true, nil
	case strings.EqualFold(line, "more") && at.from+maxListed < len(shown):
		at.from += maxListed
	case err != nil || searches:
		*at = position{search: strings.TrimSpace(word)}
	case n < 1 || n > len(shown):
		l.say("No source has the number %d.", n)
	default:
		*at = position{}
		return false, &shown[n-1]
	}
	return false, nil
}

// resume offers the unfinished attempts, one after the other.
func (l *lines) resume(ctx context.Context) error {
	targets, err := l.o.Session.HalfDone(ctx)
	if err != nil || len(targets) == 0 {
		return err
	}
	rows, err := l.rows(ctx)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if err := l.offerResume(ctx, rowOf(rows, target), target); err != nil {
			return err
		}
	}
	return nil
}

// offerResume resumes an unfinished attempt, or cancels it.
func (l *lines) offerResume(ctx context.Context, r row, target string) error {
	l.say("\n%s", unfinishedText)
	sure, err := l.confirm(ctx, "Continue with "+titleOf([]row{r}, target)+"?")
	if err != nil {
		return err
	}
	if sure {
		return l.act(ctx, r, connect{target, r.title})
	}
	switch err := abandon(ctx, l.o.Session, target); {
	case errors.Is(err, errBack):
		return nil
	default:
		return l.fail(r, didConnect, err)
	}
}

func (l *lines) rows(ctx context.Context) ([]row, error) {
	connections, err := l.o.Session.Connections(ctx)
	if err != nil {
		return nil, err
	}
	return rowsOf(l.o.Sources, connections, l.o.Session.Allows, l.outcomes), nil
}

// find filters rows as the list on the screen does.
func find(rows []row, search string) []row {
	words := strings.Fields(strings.ToLower(search))
	var out []row
	for _, r := range rows {
		if r.matches(words) {
			out = append(out, r)
		}
	}
	return out
}

// list writes the sources from a position on, by group.
func (l *lines) list(rows []row, at position) {
	l.say("")
	switch {
	case len(rows) == 0 && at.search == "":
		l.say(nothingOffered)
	case len(rows) == 0:
		l.say("No source matches %q. An empty line lists all sources.", at.search)
	}
	group := ""
	for i, r := range rows {
		if i < at.from {
			continue
		}
		if i == at.from+maxListed {
			l.say("And %d more: type \"more\" for the next ones, or a word to search for.", len(rows)-i)
			return
		}
		if r.group != group {
			group = r.group
			l.say("%s:", firstOf(group, "Other"))
		}
		l.say("%d  %s%s", i+1, r.title, l.state(r))
	}
}

func (l *lines) state(r row) string {
	var parts []string
	for i, c := range r.connections {
		s := "connected"
		if account := r.account(i); account != "" {
			s += " as " + account
		}
		if trouble := r.trouble(c, l.o.Clock.Now()); trouble != "" {
			s += ", " + trouble + ": connect again"
		}
		parts = append(parts, s)
	}
	if now := r.now(); now != "" {
		parts = append(parts, now)
	}
	if r.retired {
		parts = append(parts, isRetired)
	}
	if r.failed != "" {
		parts = append(parts, "failed: "+r.failed)
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

// choose connects a source, or asks what to do with one that is connected.
func (l *lines) choose(ctx context.Context, r row) error {
	if len(r.connections) == 0 {
		return l.act(ctx, r, connect{r.source, r.title})
	}
	items := newSourceScreen(r).items
	l.say("\n%s%s", r.title, l.state(r))
	if !r.allowed {
		l.say(notAllowed)
	}
	for i, it := range items {
		l.say("%d  %s", i+1, it.label)
	}
	l.question("\nNumber:")
	line, err := l.keys.line(ctx)
	n, convErr := strconv.Atoi(strings.TrimSpace(line))
	switch {
	case errors.Is(err, errBack):
		return nil
	case err != nil:
		return err
	case convErr != nil || n < 1 || n > len(items):
		l.say("Invalid number.")
		return nil
	}
	return l.act(ctx, r, items[n-1].intent)
}

// act runs an intent, repeats it on failure if the person confirms, and prints the outcome.
func (l *lines) act(ctx context.Context, r row, wanted intent) error {
	for {
		did, err := l.try(ctx, r, wanted)
		switch {
		case err == nil:
			l.outcomes[r.source] = sourceOutcome{did: did}
			l.say("\n%s is %s.", r.title, did)
			return nil
		case errors.Is(err, errBack):
			return nil
		}
		if err := l.fail(r, did, err); err != nil {
			return err
		}
		if again, err := l.confirm(ctx, "Try again?"); err != nil || !again {
			return err
		}
	}
}

// fail prints a failure, and keeps it for the list. It returns any other error.
func (l *lines) fail(r row, did string, err error) error {
	var f *failure.Failure
	if !errors.As(err, &f) {
		return err
	}
	now := l.o.Clock.Now()
	l.outcomes[r.source] = sourceOutcome{did: l.outcomes[r.source].did, failed: reason(f, now)}
	l.say("\n%s could not be %s. %s", r.title, did, text(f.Message))
	for _, h := range hints(f, now) {
		l.say("%s", h)
	}
	return nil
}

// try runs an intent once. errBack: the person cancelled it.
func (l *lines) try(ctx context.Context, r row, wanted intent) (did string, err error) {
	switch w := wanted.(type) {
	case connect:
		l.say("\n%s: contacting the source.", r.title)
		return didConnect, l.connect(ctx, r.title, w.target)
	case askDisconnect:
		asked := confirmDisconnect(w)
		l.say("\n%s", strings.Join(asked.text, "\n"))
		if sure, err := l.confirm(ctx, asked.title); err != nil || !sure {
			return "", firstError(err, errBack)
		}
		return didDisconnect, l.o.Session.Disconnect(ctx, w.target)
	}
	return "", errBack
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// confirm asks a yes-or-no question; Ctrl-D means no.
func (l *lines) confirm(ctx context.Context, question string) (bool, error) {
	l.question("%s Type yes or no:", question)
	line, err := l.keys.line(ctx)
	if errors.Is(err, errBack) {
		return false, nil
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes", err
}

// connect runs an attempt. While there is no prompt, Ctrl-D cancels it.
func (l *lines) connect(ctx context.Context, title, target string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &linePrompter{lines: l, title: title, leave: cancel}
	defer p.discardInput()
	return runAttempt(ctx, l.o.Session, target, p)
}
