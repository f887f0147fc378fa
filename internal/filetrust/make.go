package filetrust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrHome: root would make a directory below one of another user, who could not use it then.
var ErrHome = errors.New("belongs to another user, and root makes nothing in it")

// Maker makes directories for a user.
type Maker struct {
	// UID is the user that the program runs as.
	UID int
	// Made is called with the directory that has a new name in it; optional.
	Made func(parent string) error
}

// All makes a directory and its parents (0700), unless it is there. Root makes none below a directory of another user: with that
// user's HOME, as after sudo -E, all programs of the user would be locked out of it. The error is then [ErrHome].
func (m Maker) All(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(parent)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err = m.All(parent); err == nil {
			info, err = os.Stat(parent)
		}
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		return m.made(parent) // whoever made it may not have come to that
	}
	if owner := of(info); m.UID == 0 && owner.Owned && owner.Owner != 0 {
		return fmt.Errorf("%s %w", parent, ErrHome)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return m.made(parent)
}

func (m Maker) made(parent string) error {
	if m.Made == nil {
		return nil
	}
	return m.Made(parent)
}
