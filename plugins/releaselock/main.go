// Command releaselock writes the release lock: it pins every provider in a directory, the one of the core binary. The
// build runs it.
//
//	go run ./plugins/releaselock bin
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/humanconnect/humanconnect/plugins"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "releaselock:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: releaselock DIR")
	}
	lock, err := plugins.LockDirectory(args[0])
	if err != nil {
		return err
	}
	return plugins.WriteLock(filepath.Join(args[0], plugins.LockName), lock)
}
