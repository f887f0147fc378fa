// Command imports imports what humanconnect imports of others, and ends.
package main

import (
	"os"

	"github.com/humanconnect/humanconnect/test/bench/floor/modules"
)

func main() {
	if len(os.Args) > 100 { // never, and the linker cannot know
		if modules.Use() != nil {
			os.Exit(1)
		}
	}
}
