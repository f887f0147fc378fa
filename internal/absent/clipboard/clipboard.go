// Package clipboard stands in for github.com/atotto/clipboard, which looks for seven programs in PATH when a program starts that
// links it. A text input of Bubbles would read the clipboard with it; that key is off, and a paste comes from the terminal.
package clipboard

import "errors"

// Unsupported says that there is no clipboard.
const Unsupported = true

// ReadAll returns [errors.ErrUnsupported].
func ReadAll() (string, error) { return "", errors.ErrUnsupported }

// WriteAll returns [errors.ErrUnsupported].
func WriteAll(string) error { return errors.ErrUnsupported }
