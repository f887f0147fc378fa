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

// TextOf returns the value of a flag or an argument, or for @FILE what the file holds without the newline at its end. An
// error names the flag or argument, never the file: its name may identify a user, or be a mistyped secret.
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

// bareToken removes a byte order mark and white space around a token.
func bareToken(text string) sdk.Secret {
	return sdk.Secret(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")))
}

// readAll opens and reads a small text. A terminal or a pipe may block: then it returns the cause of ctx when that ends, and
// leaves the read running until the program exits.
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
			Hint("use a file that exists and that you may read")
	case len(got.text) > MaxInput:
		return "", problem.New(exit.CodeInputFile, "%s is larger than %d bytes", what, MaxInput).
			Hint("use a file that contains only this value")
	}
	return string(bytes.TrimRight(got.text, "\r\n")), nil
}

// withoutPath removes the file name from an error: it may identify a user.
func withoutPath(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
