// The program schemas writes docs/schema: the JSON Schemas of the config, a plan, an event, the response, an error, and what
// each command prints with -o json. They are made of the Go types that the program itself writes, and of the tables by which
// it reads a config.
//
//	go run ./cmd/humanconnect/schemas
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/jsonschema"
)

const directory = "docs/schema"

func main() {
	made, err := files(".")
	for name, text := range made {
		err = errors.Join(err, os.WriteFile(filepath.Join(directory, name), text, 0o644))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// files are those of docs/schema, by their names. root is the repository, whose source has the descriptions.
func files(root string) (map[string][]byte, error) {
	documents := map[string]*jsonschema.Schema{"config": config.Schema(), "plan": config.PlanSchema()}
	add := func(name, title string, sample any) error {
		m := maker{source: newSource(root)}
		s := m.of(reflect.ValueOf(sample))
		s.Title, s.Defs = title, m.defs
		documents[name] = s
		return m.err
	}
	errs := []error{
		add("error", "An error on standard error, with -o json", iostreams.NewPrintedError(iostreams.Described{})),
	}
	for _, o := range cli.Outputs() {
		if o.Sample != nil {
			errs = append(errs, add(o.Name(), "humanconnect "+o.Command+" -o json", o.Sample))
		}
	}
	made := make(map[string][]byte, len(documents))
	for name, s := range documents {
		s.Comment = "Made by go run ./cmd/humanconnect/schemas; do not edit it."
		text, err := jsonschema.Document(s)
		made[name+".json"], errs = text, append(errs, err)
	}
	return made, errors.Join(errs...)
}
