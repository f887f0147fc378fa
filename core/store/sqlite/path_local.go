//go:build !linux && !darwin && !freebsd

package sqlite

// networkFS has no way to tell here; every directory counts as local.
func networkFS(string) string { return "" }
