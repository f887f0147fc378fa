package terminal

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// screen is what is shown at one moment. It says what the person wants; what comes of it is the desk's business.
type screen interface {
	// take handles a key or a paste and returns what the person wants, or nil.
	take(msg tea.Msg) intent
	// draw returns the lines between head and foot, at most as many as fit.
	draw(l look) []string
	// keys are what can be pressed, for the foot.
	keys() []key
	// moves says whether the picture changes with the time.
	moves() bool
}

// key is one entry of the foot.
type key struct{ press, does string }

// intent is what a person wants.
type intent any

type (
	// goBack leaves the screen; in an attempt, it cancels it.
	goBack struct{}
	// openSource shows one source that is connected.
	openSource struct{ row row }
	// connect begins an attempt for a source, or for a named connection.
	connect struct{ target, title string }
	// leaveBehind cancels an attempt that another front end left behind.
	leaveBehind struct{ target, title string }
	// askDisconnect asks whether to take a connection away; disconnect takes it.
	askDisconnect struct{ target, title, account string }
	disconnect    struct{ target, title string }
	// answerForm replies to a form.
	answerForm struct{ values map[string]sdk.Secret }
	// pasteAddress hands on the address that the browser ended at.
	pasteAddress struct{ text string }
	// copyAddress gives an address to the terminal, to be copied.
	copyAddress struct{ url string }
	// finish ends the session.
	finish struct{}
)

func itoa(n int) string { return strconv.Itoa(n) }

func two(n int) string {
	if n < 10 {
		return "0" + itoa(n)
	}
	return itoa(n)
}

// pressed returns the name of a key, or "" for anything else.
func pressed(msg tea.Msg) string {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		return k.String()
	}
	return ""
}
