package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// MaxInput is the largest file, or standard input, that holds a token, a user id or an answer, in bytes.
const MaxInput = 64 << 10

// TextOf returns the value of a flag or an argument, or for @FILE what the file holds without the newline at its end. A
// file that cannot be read is named by what named it: its own name may tell of a user, or be a secret that slipped.
func TextOf(ctx context.Context, what, value string) (string, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		return value, nil
	}
	return readAll(ctx, "the file of "+what, func() (io.ReadCloser, error) { return os.Open(path) })
}

// SessionToken reads a token as a value: itself, @FILE, or - for standard input. what names it in an error.
func SessionToken(ctx context.Context, a *app.App, what, value string) (sdk.Secret, error) {
	if value == "-" {
		text, err := readAll(ctx, "standard input", func() (io.ReadCloser, error) { return io.NopCloser(a.IO.In), nil })
		return bareToken(text), err
	}
	text, err := TextOf(ctx, what, value)
	return bareToken(text), err
}

// EnvironmentToken reads the token from the environment; "" where there is none.
func EnvironmentToken(ctx context.Context, a *app.App) (sdk.Secret, error) {
	if path := a.Variable("HUMANCONNECT_SESSION_TOKEN_FILE"); path != "" {
		text, err := TextOf(ctx, "HUMANCONNECT_SESSION_TOKEN_FILE", "@"+path)
		return bareToken(text), err
	}
	return bareToken(a.Variable("HUMANCONNECT_SESSION_TOKEN")), nil
}

// bareToken takes away what editors and shells put around a token, which has no blanks itself.
func bareToken(text string) sdk.Secret {
	return sdk.Secret(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")))
}

// readAll opens and reads what is a small text. A terminal, a pipe or a named pipe may keep it waiting: it ends early, with
// the cause, when ctx does, and leaves the read to the end of the program.
func readAll(ctx context.Context, what string, open func() (io.ReadCloser, error)) (string, error) {
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
		return "", problem.New(exit.CodeInputFile, "%s cannot be read", what).Because(withoutPath(got.err)).
			Hint("name a file that is there and that you may read")
	case len(got.text) > MaxInput:
		return "", problem.New(exit.CodeInputFile, "%s is larger than %d bytes", what, MaxInput).
			Hint("name the file that holds this and nothing else")
	}
	return string(bytes.TrimRight(got.text, "\r\n")), nil
}

// withoutPath is what went wrong with a file: its name may tell of a user.
func withoutPath(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
