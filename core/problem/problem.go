// Package problem has the error that a person can act on: what happened, a code that scripts can match, the facts, and
// what to do. What exit code a problem has is the command line's business.
package problem

import (
	"errors"
	"fmt"
)

// Problem is an error with a code and hints. Match it with errors.As and compare Code, never the text.
type Problem struct {
	// Code is stable, lower case with underscores: "config_invalid".
	Code string
	// Message says what happened, lower case, no full stop, no secrets, no health data.
	Message string
	// Facts are further lines.
	Facts []string
	// Hints each name one thing to do.
	Hints []string
	// Cause is what the problem came from, or nil. Its text is part of Error.
	Cause error
}

// New makes a problem.
func New(code, format string, args ...any) *Problem {
	return &Problem{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because adds the cause and returns the problem.
func (p *Problem) Because(err error) *Problem { p.Cause = err; return p }

// Fact adds a line of facts and returns the problem.
func (p *Problem) Fact(format string, args ...any) *Problem {
	p.Facts = append(p.Facts, fmt.Sprintf(format, args...))
	return p
}

// Hint adds a hint and returns the problem.
func (p *Problem) Hint(format string, args ...any) *Problem {
	p.Hints = append(p.Hints, fmt.Sprintf(format, args...))
	return p
}

func (p *Problem) Error() string {
	if p.Cause != nil {
		return p.Message + ": " + p.Cause.Error()
	}
	return p.Message
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// CodeOf returns the code of the first problem in the chain, or "".
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
