package command

import (
	"context"
	"errors"
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
	// Find returns the rows.
	Find func(ctx context.Context, st *app.State) ([]T, error)
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
	return PrintList(a.IO, rows, l.Header, l.Cells)
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

// Selected is what the flags of a list select by.
type Selected struct {
	session string
	limit   *int
}

// SessionFlags adds --session and --limit.
func SessionFlags(c *cobra.Command, what string, limit *int) *Selected {
	s := &Selected{limit: limit}
	c.Flags().StringVar(&s.session, "session", "", "only "+what+" of this session `ID`")
	LimitFlag(c, limit)
	return s
}

// Check refuses a session that is no id, and a negative limit. It sets session to the one that was given.
func (s *Selected) Check(c *cobra.Command, session *id.Session) (err error) {
	if s.session != "" {
		if *session, err = ParseID[id.Session](c, s.session); err != nil {
			return err
		}
	}
	return CheckLimit(c, *s.limit)
}

// defaultLimit is the default of --limit.
const defaultLimit = 50

// LimitFlag adds --limit.
func LimitFlag(c *cobra.Command, limit *int) {
	c.Flags().IntVar(limit, "limit", defaultLimit, "maximum number of rows; 0 means all")
}

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

// Maybe returns a pointer to a value, or nil for the zero value.
func Maybe[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Text is an id, or "" for none.
func Text[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}
