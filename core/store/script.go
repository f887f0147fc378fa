package store

// NoScript is the number of an action that no script asked for, but a person.
const NoScript = -1

// ScriptPosition names an action of the scripts that a session works through.
type ScriptPosition struct {
	// Run is the session's ScriptRun at that time.
	Run int
	// No is the action's number in the script, from 0, or [NoScript].
	No int
}

// Scripted says whether a script asked for the action.
func (p ScriptPosition) Scripted() bool { return p.No != NoScript }
