package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/internal/atomicfile"
)

// Digest returns the SHA-256 of a regular file as 64 lower-case hex digits. The file need not be trusted: a digest trusts
// nothing by itself.
func Digest(path string) (string, error) {
	file, err := openFile(path, 0, false)
	if err != nil {
		return "", err
	}
	defer closeFiles(file)
	return digestOf(file)
}

// Digest is the digest of the provider's executable as it is now. Its errors are an *Error.
func (s Spec) Digest() (string, error) {
	digest, err := Digest(s.Path())
	switch {
	case err == nil:
		return digest, nil
	case errors.Is(err, errUntrusted):
		return "", refused(newError(CodeUntrustedFile, s.Name, "cannot be pinned"), err)
	}
	return "", unpinnable(s, err)
}

func digestOf(file *os.File) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// identity is what tells one content of a file from another without reading it. The change time is what makes it
// safe: every write moves it, and nobody but root can set it back. A program that is being executed cannot be written
// at all.
type identity struct {
	Device, Inode  uint64
	Size           int64
	Modified       int64
	Changed        int64
	ExecutablePath string
}

// settled is how old the last change must be before a digest is remembered: a write within the same tick of the
// file system's clock would not move the change time.
const settled = 2 * time.Second

// digests remembers the digests of executables in a directory, so that a start costs a stat in place of reading 13 MB
// (some 10 ms). Without a trusted directory it remembers nothing. Who can write there is the user, who could as well
// write the lock or run another core.
type digests struct {
	dir string
	now func() time.Time
}

type verdict struct {
	Identity identity
	SHA256   string
}

// of returns the digest of an opened file.
func (d digests) of(file *os.File, path string) (string, error) {
	before, known := identify(file, path)
	if known {
		if digest := d.recall(before); digest != "" {
			return digest, nil
		}
	}
	digest, err := digestOf(file)
	if err != nil {
		return "", err
	}
	after, _ := identify(file, path)
	if known && before == after && d.now().Sub(time.Unix(0, before.Changed)) > settled {
		d.remember(after, digest)
	}
	return digest, nil
}

func (d digests) recall(id identity) string {
	data, err := readPrivate(d.file(id), 4096)
	if err != nil {
		return ""
	}
	var v verdict
	if json.Unmarshal(data, &v) != nil || v.Identity != id || !isDigest(v.SHA256) {
		return ""
	}
	return v.SHA256
}

// remember is a help and no more: that it fails changes nothing.
func (d digests) remember(id identity, digest string) {
	data, err := json.Marshal(verdict{Identity: id, SHA256: digest})
	if err == nil {
		_ = writePrivate(d.file(id), data)
	}
}

func (d digests) file(id identity) string {
	if d.dir == "" {
		return ""
	}
	name := sha256.Sum256([]byte(id.ExecutablePath))
	return filepath.Join(d.dir, "digest-"+hex.EncodeToString(name[:16])+".json")
}

// readPrivate reads a file of a cache, if nobody but us (or root) can have written it.
func readPrivate(path string, limit int64) ([]byte, error) {
	if path == "" {
		return nil, os.ErrNotExist
	}
	dir, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := checkOwner(filepath.Dir(path), dir); err != nil {
		return nil, err
	}
	file, err := openFile(path, syscall.O_NOFOLLOW, true)
	if err != nil {
		return nil, err
	}
	defer closeFiles(file)
	return io.ReadAll(io.LimitReader(file, limit))
}

// writePrivate replaces a file of a cache at once. The directory of the cache is made, but not its parents: whose they are
// decides whether anything may be kept there.
func writePrivate(path string, data []byte) error {
	if path == "" {
		return os.ErrNotExist
	}
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	sweepCache(dir)
	return atomicfile.Replace(path, data, 0o600)
}

// abandoned is how old an unfinished file is that nobody writes any more.
const abandoned = time.Minute

// sweepCache removes what processes that were killed had begun to write into a cache: the files whose names start with a dot.
func sweepCache(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // whoever writes there is told
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), ".") && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next one tries again
		}
	}
}
