package command

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// PrintList prints rows as a JSON array, or as a table.
func PrintList[T any](s *iostreams.IO, rows []T, header []string, cells func(T) []string) error {
	return s.Print(iostreams.OrEmpty(rows), func(w io.Writer) error {
		var lines [][]string
		for _, r := range rows {
			lines = append(lines, cells(r))
		}
		return iostreams.WriteTable(w, header, lines)
	})
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
