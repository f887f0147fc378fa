package command

import "strings"

// Output is what a command prints with -o json, for its schema.
type Output struct {
	// Command without the name of the program: "session list".
	Command string
	// Schema is the name of the schema, if it is not made of that of the command.
	Schema string
	// Sample is a value of the type that is printed, with the kind of each object set. Of a list it has one row. It is nil where
	// another command has the same schema.
	Sample any
}

// Name is the name of the schema in docs/schema, without its extension.
func (o Output) Name() string {
	if o.Schema != "" {
		return o.Schema
	}
	return strings.ReplaceAll(o.Command, " ", "-")
}
