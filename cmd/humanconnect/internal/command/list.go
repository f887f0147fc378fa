package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// List is a command that lists rows of the state: it opens the state and prints the rows as a JSON array, or as a table with a
// line for each.
type List[T any] struct {
	// Page is the part of the list that is shown; nil shows all that is found.
	Page *Page
	// Find returns the rows: with a page, one more than it holds, if there is one.
	Find func(ctx context.Context, st *app.State) ([]T, error)
	// ID of a row, by which the next page is asked for.
	ID func(T) string
	// Header and Cells are the table's.
	Header []string
	Cells  func(T) []string
}

// Run runs the command.
func (l List[T]) Run(a *app.App, c *cobra.Command) error {
	st, err := a.Open(c.Context(), app.Options{Read: true})
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := l.Find(c.Context(), st)
	if err != nil {
		return err
	}
	left := false
	if l.Page != nil && l.Page.limit > 0 && len(rows) > l.Page.limit {
		rows, left = rows[:l.Page.limit], true
	}
	if err := PrintList(a.IO, rows, l.Header, l.Cells); err != nil {
		return err
	}
	switch {
	case left:
		a.IO.Warn("%s are left out: these are the %s %d", l.Page.what, l.Page.first, l.Page.limit)
		a.IO.Hint(fmt.Sprintf("the next ones: --after %s; all: --limit 0", l.ID(rows[len(rows)-1])))
	case l.Page != nil:
		SayIfNone(a.IO, len(rows), l.Page.what)
	}
	return nil
}

// SayIfNone says on standard error that a list is empty, so that nobody takes it for one that failed.
func SayIfNone(s *iostreams.IO, rows int, what string) {
	if rows == 0 && !s.Flags.Quiet {
		s.Say("no %s", what)
	}
}

// PrintList prints rows: as a JSON array, or as a table with a line for each.
func PrintList[T any](s *iostreams.IO, rows []T, header []string, cells func(T) []string) error {
	return s.Print(iostreams.OrEmpty(rows), func(w io.Writer) error {
		var lines [][]string
		for _, r := range rows {
			lines = append(lines, cells(r))
		}
		return iostreams.WriteTable(w, header, lines)
	})
}

// Map makes rows of what a query found.
func Map[F, T any](found []F, err error, row func(F) T) ([]T, error) {
	var rows []T
	for _, f := range found {
		rows = append(rows, row(f))
	}
	return rows, err
}

// ByID makes c a command about one thing of the state that an argument ID names: it reads the id, opens the state, and runs.
func ByID[T id.Session | id.Connection | id.Event | id.Delivery](a *app.App, c *cobra.Command, complete Completion, run func(ctx context.Context, st *app.State, id T) error) {
	c.Args, c.ValidArgsFunction = ExactArgs("ID"), complete
	c.RunE = func(c *cobra.Command, args []string) error {
		parsed, err := ParseID[T](c, args[0])
		if err != nil {
			return err
		}
		st, err := a.Open(c.Context(), app.Options{Read: true})
		if err != nil {
			return err
		}
		defer st.Close()
		return run(c.Context(), st, parsed)
	}
}

// defaultLimit is the default of --limit.
const defaultLimit = 50

// CheckLimit refuses a negative --limit.
func CheckLimit(c *cobra.Command, limit int) error {
	if limit < 0 {
		return Usage(c, "--limit must not be negative")
	}
	return nil
}

// NotFound turns store.ErrNotFound into a problem that names the row; it returns other errors unchanged.
func NotFound[ID ~string](err error, code problem.Code, noun string, id ID) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(code, "%s %s not found", noun, id).Hint("see: humanconnect %s list", noun)
	}
	return err
}

// TimeText is a time, or "" for none.
func TimeText(t *event.Time) string {
	if t == nil {
		return ""
	}
	return t.String()
}

// Text is a text or an id, or "" for none.
func Text[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}
