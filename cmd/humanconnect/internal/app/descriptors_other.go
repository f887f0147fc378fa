//go:build !linux

package app

import "errors"

// closeRangeOnExec exists on Linux only.
func closeRangeOnExec() error { return errors.ErrUnsupported }
