package command

// Output is what a command prints with -o json, for the schema of it.
type Output struct {
	// Command without the name of the program: "session list".
	Command string
	// Sample is a value of the type that is printed, with the kind of each object set. Of a list it has one row.
	Sample any
}
