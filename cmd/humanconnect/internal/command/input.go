package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/internal/textfile"
	"github.com/humanconnect/humanconnect/sdk"
)

// MaxInput is the largest file, or standard input, that holds a token, a user id or an answer, in bytes.
const MaxInput = 64 << 10

// Input is the value of a flag or an argument: itself, or @FILE for what a file holds; @@ begins a value that begins with @.
type Input struct {
	// What names the flag or the argument.
	What string
	// Secret: the value may be one, and so may be what was mistyped for a file: it is never repeated.
	Secret bool
	// Blanks at the ends of the value are meant, or are no part of it.
	Blanks bool
}

// UserID is a user id that a person gave.
func UserID(ctx context.Context, a *app.App, c *cobra.Command, value string) (string, error) {
	const what = "--client-user-id"
	text, err := Input{What: what}.Of(ctx, a, value)
	switch {
	case err != nil:
		return "", err
	case text == "" && value != "":
		return "", Usage(c, "the file of %s is empty", what)
	}
	return text, Plain(c, what, text)
}

// Plain refuses an id with a control character, such as the carriage return of a file from another system: it would be
// another id, which looks the same.
func Plain(c *cobra.Command, what, id string) error {
	if _, found := textfile.Control(id); found {
		quoted := strconv.Quote(id)
		return Usage(c, "%s has a control character: %s", what, quoted[:min(len(quoted), maxQuoted)])
	}
	return nil
}

// maxQuoted is how much of a refused id is shown, in bytes.
const maxQuoted = 100

// Of returns the value. It warns of blanks at the ends of a file's value.
func (t Input) Of(ctx context.Context, a *app.App, value string) (string, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile || strings.HasPrefix(path, "@") {
		return path, nil
	}
	text, err := readAll(ctx, func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		return "", t.problem(ctx, path, err)
	}
	if edges := textfile.Edges([]byte(text)); edges != "" && !t.Blanks {
		a.IO.Warn("the value in the file of %s %s, which is part of it", t.What, edges)
	}
	return text, nil
}

// problem says that @ means a file, and which one.
func (t Input) problem(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	name := iostreams.Clean(path)
	hint := fmt.Sprintf("for a value that begins with @, write it twice: @@%s", name)
	p := problem.New(exit.CodeInputFile, "%s: @ means a file, and %q cannot be used", t.What, name).Because(withoutPath(err))
	if t.Secret {
		p = problem.New(exit.CodeInputFile, "%s: @ means a file, and that file cannot be used", t.What).Because(withoutPath(err))
		hint = "for a value that begins with @, write it twice: @@"
	}
	if wrong := config.Unexpanded(path); wrong != "" && !t.Secret && errors.Is(err, fs.ErrNotExist) {
		return p.Hint("%s", wrong)
	}
	return p.Hint("%s", hint)
}

// SessionToken reads a token as a value: itself, @FILE, or - for standard input. what names it in an error.
func SessionToken(ctx context.Context, a *app.App, what, value string) (sdk.Secret, error) {
	if value == "-" {
		text, err := readAll(ctx, func() (io.ReadCloser, error) { return io.NopCloser(a.IO.In), nil })
		if err != nil && ctx.Err() == nil {
			err = problem.New(exit.CodeInputFile, "%s: standard input cannot be used", what).Because(err).Hint("pass a file: @FILE")
		}
		return bareToken(text), err
	}
	text, err := Input{What: what, Blanks: true}.Of(ctx, a, value)
	return bareToken(text), err
}

// EnvironmentToken reads the token from the environment; "" where there is none.
func EnvironmentToken(ctx context.Context, a *app.App) (sdk.Secret, error) {
	const variable = "HUMANCONNECT_SESSION_TOKEN_FILE"
	if path := a.Variable(variable); path != "" {
		text, err := readAll(ctx, func() (io.ReadCloser, error) { return os.Open(path) })
		if err != nil && ctx.Err() == nil {
			err = problem.New(exit.CodeInputFile, "%s: the file %q cannot be used", variable, iostreams.Clean(path)).Because(withoutPath(err)).
				Hint("correct %s, or unset it", variable)
		}
		return bareToken(text), err
	}
	return bareToken(a.Variable("HUMANCONNECT_SESSION_TOKEN")), nil
}

// bareToken removes a byte order mark and white space around a token.
func bareToken(text string) sdk.Secret {
	return sdk.Secret(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")))
}

// readAll opens and reads a small text. A terminal or a pipe may block: then it returns the cause of ctx when that ends, and
// leaves the read running until the program exits.
func readAll(ctx context.Context, open func() (io.ReadCloser, error)) (string, error) {
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		r, err := open()
		if err != nil {
			read <- result{nil, err}
			return
		}
		defer r.Close()
		text, err := io.ReadAll(io.LimitReader(r, MaxInput+1))
		read <- result{text, err}
	}()
	var got result
	select {
	case got = <-read:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	switch {
	case got.err != nil:
		return "", got.err
	case len(got.text) > MaxInput:
		return "", fmt.Errorf("it is larger than %d bytes", MaxInput)
	}
	return string(textfile.Value(got.text, false)), nil
}

// withoutPath removes the file name from an error: it may identify a user.
func withoutPath(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
