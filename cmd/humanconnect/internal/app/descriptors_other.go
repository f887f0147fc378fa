//go:build !linux

package app

import "errors"

// closeRangeOnExec is there on Linux alone.
func closeRangeOnExec() error { return errors.ErrUnsupported }
