// Package problem has the error that a person can act on: what happened, a code that scripts can match, the facts, and
// what to do. What exit code a problem has is the command line's business.
package problem

import (
	"errors"
	"fmt"
	"slices"
)

// Code names a kind of problem. It is stable, lower case with underscores: "config_invalid".
type Code string

// Codes that several packages share. Every other package names its own.
const (
	// CodeUsage: the command line or its input is wrong.
	CodeUsage Code = "usage"
	// CodeNetwork: another service could not be reached.
	CodeNetwork Code = "network"
	// CodeTimeout: a time limit passed.
	CodeTimeout Code = "timeout"
)

// Problem is an error with a code, facts and hints. It never changes: methods that add to it return another one. Match it with
// [Is] or [CodeOf], never by its text. It is safe for concurrent use.
type Problem struct {
	code         Code
	message      string
	facts, hints []string
	places       []Place
	cause        error
}

// Place is one thing that is wrong in a file, or beside one: what a fact says in columns, apart for a program.
type Place struct {
	// File is the file as it was named; "" for what stands in none, as a flag. Line and Column count from 1; 0 where there are none.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Key is the path of the value: "hooks[0].on"; "" where the file as a whole is wrong.
	Key string `json:"key"`
	// Message says what is wrong; Suggestion is what was probably meant, or "".
	Message    string `json:"message"`
	Suggestion string `json:"suggestion"`
}

// New returns a problem. The message says what happened, lower case, no full stop, no secrets, no health data.
func New(code Code, format string, args ...any) *Problem {
	return &Problem{code: code, message: fmt.Sprintf(format, args...)}
}

// Because returns the problem with its cause, whose text is part of Error.
func (p Problem) Because(err error) *Problem { p.cause = err; return &p }

// Fact returns the problem with one more line of facts.
func (p Problem) Fact(format string, args ...any) *Problem {
	return p.WithFacts(append(p.Facts(), fmt.Sprintf(format, args...))...)
}

// Hint returns the problem with one more thing to do.
func (p Problem) Hint(format string, args ...any) *Problem {
	return p.WithHints(append(p.Hints(), fmt.Sprintf(format, args...))...)
}

// WithFacts returns the problem with these facts and no others.
func (p Problem) WithFacts(facts ...string) *Problem { p.facts = slices.Clone(facts); return &p }

// WithHints returns the problem with these hints and no others.
func (p Problem) WithHints(hints ...string) *Problem { p.hints = slices.Clone(hints); return &p }

// WithPlaces returns the problem with these places and no others.
func (p Problem) WithPlaces(places ...Place) *Problem { p.places = slices.Clone(places); return &p }

// Places returns where what is wrong stands, for a problem of a file.
func (p *Problem) Places() []Place { return slices.Clone(p.places) }

// Code returns the code.
func (p *Problem) Code() Code { return p.code }

// Message returns what happened, without the cause.
func (p *Problem) Message() string { return p.message }

// Facts returns further lines on what happened.
func (p *Problem) Facts() []string { return slices.Clone(p.facts) }

// Hints returns what to do, each line one thing.
func (p *Problem) Hints() []string { return slices.Clone(p.hints) }

func (p *Problem) Error() string {
	if p.cause != nil {
		return p.message + ": " + p.cause.Error()
	}
	return p.message
}

// Unwrap returns the cause, or nil.
func (p *Problem) Unwrap() error { return p.cause }

// CodeOf returns the code of the first problem in the chain, or "". Its cause may have a code as well, which says less about
// what went wrong.
func CodeOf(err error) Code {
	var p *Problem
	if errors.As(err, &p) {
		return p.code
	}
	return ""
}

// Is says whether the first problem in the chain has the code.
func Is(err error, code Code) bool { return CodeOf(err) == code }
