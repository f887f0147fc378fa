package iostreams

import (
	"errors"
	"log/slog"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/sdk"
)

// Logger writes for --debug and drops everything without it. Arguments, tokens, answers, and names of sources or users
// never go to it: what is done is told by kinds, ids of ours, and times.
func (s *IO) Logger() *slog.Logger {
	if !s.Flags.Debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Stopwatch logs a piece of work when it is done, with how long it took. What it failed with is logged by its code alone:
// its text may name a user.
func (s *IO) Stopwatch(what string, about ...any) func(err error, more ...any) {
	log, began := s.Logger(), s.Clock.Now()
	return func(err error, more ...any) {
		args := append(append(about, more...), "took", s.Clock.Now().Sub(began).Round(time.Millisecond).String())
		if err != nil {
			args = append(args, "code", wordFor(err))
		}
		log.Debug(what, args...)
	}
}

// wordFor is the code of an error, that of a source included.
func wordFor(err error) string {
	if code := exit.ProblemOf(err).Code(); code != "" {
		return string(code)
	}
	if refusal := (*sdk.Error)(nil); errors.As(err, &refusal) {
		return string(refusal.Code)
	}
	return codeless
}
