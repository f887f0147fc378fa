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

// Digest returns the SHA-256 of a regular file as 64 lower-case hex digits. The file need not be trusted.
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
		return "", notTrusted(newError(CodeUntrustedFile, s.Name, "cannot be pinned"), err)
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

// identity distinguishes one content of a file from another without reading it. The change time makes it safe: every write
// moves it, and only root can set it back. A program that is being executed cannot be written at all.
type identity struct {
	Device, Inode  uint64
	Size           int64
	Modified       int64
	Changed        int64
	ExecutablePath string
}

// describePrefix and digestPrefix begin the names of the files in a cache.
const (
	describePrefix = "describe-"
	digestPrefix   = "digest-"
)

// minAge is how old the last change must be before a digest is cached: a write within the same tick of the
// file system's clock would not move the change time.
const minAge = 2 * time.Second

// digests caches the digests of executables in a directory, so that a start costs a stat instead of reading 13 MB (some
// 10 ms). Without a trusted directory it caches nothing. Only the user can write there, who could as well write the lock or
// run another core.
type digests struct {
	dir string
	now func() time.Time
}

type cachedDigest struct {
	Identity identity
	SHA256   string
}

// of returns the digest of an opened file.
func (d digests) of(file *os.File, path string) (string, error) {
	before, known := identify(file, path)
	if known {
		if digest := d.load(before); digest != "" {
			return digest, nil
		}
	}
	digest, err := digestOf(file)
	if err != nil {
		return "", err
	}
	after, _ := identify(file, path)
	if known && before == after && d.now().Sub(time.Unix(0, before.Changed)) > minAge {
		d.save(after, digest)
	}
	return digest, nil
}

func (d digests) load(id identity) string {
	data, err := readPrivate(d.file(id), 4096)
	if err != nil {
		return ""
	}
	var v cachedDigest
	if json.Unmarshal(data, &v) != nil || v.Identity != id || !isDigest(v.SHA256) {
		return ""
	}
	return v.SHA256
}

// save is an optimization: a failure changes nothing.
func (d digests) save(id identity, digest string) {
	data, err := json.Marshal(cachedDigest{Identity: id, SHA256: digest})
	if err == nil {
		_ = writePrivate(d.file(id), data)
	}
}

func (d digests) file(id identity) string {
	if d.dir == "" {
		return ""
	}
	name := sha256.Sum256([]byte(id.ExecutablePath))
	return filepath.Join(d.dir, digestPrefix+hex.EncodeToString(name[:16])+".json")
}

// readPrivate reads a file of a cache, if only we (or root) can have written it.
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

// writePrivate replaces a file of a cache atomically. It makes the directory of the cache, but not its parents: their owner
// decides whether anything may be cached there.
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

const (
	// staleAfter is the age from which an unfinished file is left over.
	staleAfter = time.Minute
	// agedAfter is the age from which a description or a digest is removed. One that is still in use is made again.
	agedAfter = 30 * 24 * time.Hour
	// maxSwept is how many files one write looks at.
	maxSwept = 1000
)

// sweepCache removes from a cache the unfinished files of killed processes, whose names start with a dot, and old ones: a
// provider, a source or a definition that is changed leaves its description behind.
func sweepCache(dir string) {
	open, err := os.Open(dir)
	if err != nil {
		return // the write that follows fails with the same error
	}
	defer closeFiles(open)
	entries, _ := open.ReadDir(maxSwept) // what cannot be read is left to the next one
	for _, e := range entries {
		var limit time.Duration
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
			limit = staleAfter
		case strings.HasPrefix(name, describePrefix), strings.HasPrefix(name, digestPrefix):
			limit = agedAfter
		default:
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > limit {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next one tries again
		}
	}
}
