package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/humanconnect/humanconnect/sdk"
)

// textOf returns the value of a flag or an argument, or for @FILE what the file holds without the newline at its end. A
// file that cannot be read is told by what named it: its own name may tell of a user, or be a secret that slipped.
func (a *App) textOf(ctx context.Context, what, value string) (string, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		return value, nil
	}
	return readAll(ctx, "the file of "+what, func() (io.ReadCloser, error) { return os.Open(path) })
}

// bareToken takes away what editors and shells put around a token, which has no blanks itself.
func bareToken(text string) sdk.Secret {
	return sdk.Secret(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")))
}

// tokenArgument reads a token from an argument, else from the environment as open does.
func (a *App) tokenArgument(ctx context.Context, args []string) (sdk.Secret, error) {
	if len(args) == 0 {
		return a.environmentToken(ctx)
	}
	if args[0] == "-" {
		text, err := a.readStdin(ctx)
		return bareToken(text), err
	}
	text, err := a.textOf(ctx, "TOKEN", args[0])
	return bareToken(text), err
}
