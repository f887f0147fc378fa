// Package gotenv stands in for github.com/subosito/gotenv, which compiles its patterns when a program starts that links it. Viper
// would read .env files with it; the config is not read from one.
package gotenv

import (
	"errors"
	"io"
)

// Env are variables by name.
type Env map[string]string

// StrictParse returns [errors.ErrUnsupported].
func StrictParse(io.Reader) (Env, error) { return nil, errors.ErrUnsupported }
