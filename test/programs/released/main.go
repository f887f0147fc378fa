// Command released puts our programs into a directory, as they are released, for tests of another module.
//
//	released DIRECTORY
package main

import (
	"fmt"
	"os"

	"github.com/humanconnect/humanconnect/test/programs"
)

func main() {
	if len(os.Args) != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: released DIRECTORY")
		os.Exit(2)
	}
	if err := programs.Build(os.Args[1], programs.Released); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
