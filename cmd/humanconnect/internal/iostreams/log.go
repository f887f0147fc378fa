package iostreams

import (
	"errors"
	"log/slog"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/sdk"
)

// Logger writes for --debug and drops everything without it. It never gets arguments, tokens, answers, or names of
// sources or users: only kinds, ids of ours, and times.
func (s *IO) Logger() *slog.Logger {
	if !s.Flags.Debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Stopwatch logs a piece of work when it is done, with its duration. An error is logged by its code alone: its text may
// name a user.
func (s *IO) Stopwatch(what string, about ...any) func(err error, more ...any) {
	log, began := s.Logger(), s.Clock.Now()
	return func(err error, more ...any) {
		args := append(append(about, more...), "took", s.Clock.Now().Sub(began).Round(time.Millisecond).String())
		if err != nil {
			args = append(args, "code", codeOf(err))
		}
		log.Debug(what, args...)
	}
}

// codeOf is the code of an error, also of an error of a source.
func codeOf(err error) string {
	if code := exit.ProblemOf(err).Code(); code != "" {
		return string(code)
	}
	if refusal := (*sdk.Error)(nil); errors.As(err, &refusal) {
		return string(refusal.Code)
	}
	return defaultCode
}
