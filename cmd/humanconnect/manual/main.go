// The program manual writes the man pages of humanconnect, made of the commands themselves, into the sections man1 and man7 of a
// directory. Their date is -epoch, in seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch/); without it they
// have none.
//
//	go run ./cmd/humanconnect/manual -version VERSION -epoch SECONDS DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/help"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

func main() {
	version := flag.String("version", "", "version of the program")
	epoch := flag.String("epoch", "", "date of the pages, in seconds since 1970")
	flag.Parse()
	if err := write(flag.Arg(0), *version, *epoch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes the pages below a directory. epoch is their date in seconds since 1970, or "".
func write(dir, version, epoch string) error {
	date := ""
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("-epoch: %w", err)
		}
		date = time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	}
	for name, text := range pages(version, date) {
		section := filepath.Join(dir, "man"+filepath.Ext(name)[1:])
		if err := os.MkdirAll(section, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(section, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pages(version, date string) map[string]string {
	root := cli.NewRoot(&app.App{IO: &iostreams.IO{}})
	return help.Manual(root, version, date)
}
