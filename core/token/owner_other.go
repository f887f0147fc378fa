//go:build !unix

package token

import "io/fs"

// ownerOf knows no owner: files of this system have other ways to say who may write them.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }
