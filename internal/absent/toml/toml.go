// Package toml stands in for github.com/pelletier/go-toml/v2. Viper would read TOML with it; the config is YAML, and not parsed by
// viper.
package toml

import "errors"

// Marshal returns [errors.ErrUnsupported].
func Marshal(any) ([]byte, error) { return nil, errors.ErrUnsupported }

// Unmarshal returns [errors.ErrUnsupported].
func Unmarshal([]byte, any) error { return errors.ErrUnsupported }
