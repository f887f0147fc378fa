package terminal

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// screen is one screen. It turns input into intents; the model performs them.
type screen interface {
	// handle handles a key or a paste and returns an intent, or nil.
	handle(msg tea.Msg) intent
	// draw returns the lines between head and foot, at most as many as fit.
	draw(l canvas) []string
	// keys are the keys listed in the foot.
	keys() []key
	// animated says whether the screen changes with time.
	animated() bool
}

// key is one entry of the foot.
type key struct{ press, does string }

// intent is an action that the person chose.
type intent any

type (
	// goBack leaves the screen; in an attempt, it cancels it.
	goBack struct{}
	// openSource shows one source that is connected.
	openSource struct{ row row }
	// connect starts an attempt for a source or a connection.
	connect struct{ target, title string }
	// abandonAttempt cancels an unfinished attempt of an earlier front end.
	abandonAttempt struct{ target, title string }
	// askDisconnect asks whether to disconnect a connection; disconnect does it.
	askDisconnect struct{ target, title, account string }
	disconnect    struct{ target, title string }
	// answerForm replies to a form.
	answerForm struct{ values map[string]sdk.Secret }
	// pasteURL has a pasted redirect URL.
	pasteURL struct{ text string }
	// copyURL copies a URL to the clipboard of the terminal.
	copyURL struct{ url string }
	// finish ends the session.
	finish struct{}
)

func itoa(n int) string { return strconv.Itoa(n) }

func twoDigits(n int) string {
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
