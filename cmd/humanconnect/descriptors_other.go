//go:build !linux

package main

import "errors"

// closeRangeOnExec is there on Linux alone.
func closeRangeOnExec() error { return errors.ErrUnsupported }
