package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/humanconnect/humanconnect/internal/filetrust"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// maxFile limits a config or plan.
const maxFile = 1 << 20

// None is the path that means that no file is read.
const None = "none"

// Place is where the config file is looked for.
type Place struct {
	// Path is the file as it was named, or "" for no file.
	Path string
	// Origin is "flag", "env NAME" or "default".
	Origin string
}

// Find says where the config file is looked for: Options.Path, HUMANCONNECT_CONFIG, then
// $XDG_CONFIG_HOME/humanconnect/config.yaml. It touches no disk, and never looks in the working directory.
func Find(o Options) Place {
	if o.Path != "" {
		return place(o.Path, fromFlag)
	}
	if v, ok := o.Environ.Lookup(envConfig); ok && v != "" {
		return place(v, fromEnv(envConfig))
	}
	dir := xdg(o, "XDG_CONFIG_HOME", ".config")
	if dir == "" {
		return Place{Origin: fromDefault}
	}
	return Place{Path: filepath.Join(dir, "humanconnect", "config.yaml"), Origin: fromDefault}
}

func place(path, origin string) Place {
	if path == None {
		path = ""
	}
	return Place{Path: named(path), Origin: origin}
}

// ignored warns of a file beside the default one that has its name in another spelling, and is not read.
func (p Place) ignored() []Warning {
	if p.Origin != fromDefault || p.Path == "" {
		return nil
	}
	for _, name := range []string{"config.yml", "config.json", "config.toml"} {
		other := filepath.Join(filepath.Dir(p.Path), name)
		if _, err := os.Stat(other); err == nil {
			return []Warning{{
				Code: "config_ignored", Message: fmt.Sprintf("%s is not read; the config file is %s", other, filepath.Base(p.Path)),
				Hint: "rename it, or name it with --config",
			}}
		}
	}
	return nil
}

// xdg returns a base directory, or "" where nothing says where it is. A relative one counts as unset (XDG Base
// Directory Specification, "Basics").
func xdg(o Options, variable, inHome string) string {
	if v, _ := o.Environ.Lookup(variable); filepath.IsAbs(v) {
		return v
	}
	if !filepath.IsAbs(o.Home) {
		return ""
	}
	return filepath.Join(o.Home, inHome)
}

// read returns the text of the file and its absolute path; found is false if no file was asked for and none is there.
func (p Place) read(uid int) (text, abs string, warnings []Warning, found bool, err error) {
	if p.Path == "" {
		return "", "", nil, false, nil
	}
	if abs, err = filepath.Abs(p.Path); err != nil {
		return "", "", nil, false, problem.New(CodeNotFound, "config file %s", p.Path).Because(err).Hint("use its absolute path")
	}
	text, warnings, err = readTrusted(abs, uid)
	switch {
	case err == nil:
		return text, abs, warnings, true, nil
	case problem.Is(err, CodeMode):
		return "", "", nil, false, err
	case p.Origin == fromDefault && cannotBe(abs, err):
		return "", "", nil, false, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", "", nil, false, problem.New(CodeNotFound, "the config file does not exist").Because(err).
			Hint("it is set by: %s; to use no file: --config none", p.Origin)
	}
	return "", "", nil, false, problem.New(CodeUnreadable, "the config file cannot be read").Because(err).
		Hint("it is set by: %s; to use no file: --config none", p.Origin)
}

// cannotBe says whether this user can have no file at a path, by the error of reading it: it is not there, or the directories above it
// are closed to the user, or are none.
func cannotBe(path string, err error) bool {
	if errors.Is(err, fs.ErrPermission) {
		_, err = os.Stat(path)
		return errors.Is(err, fs.ErrPermission)
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// readTrusted reads a file that may name commands, once it is sure that nobody but the user and root can write it; or a pipe, for
// [pipeTime] at most.
func readTrusted(path string, uid int) (string, []Warning, error) {
	read := readFile
	if isPipe(path) {
		read = func(path string, uid int) ([]byte, []Warning, error) { return readPipe(path, uid, pipeTime) }
	}
	text, warnings, err := read(path, uid)
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	if err != nil {
		return "", nil, err
	}
	return string(text), warnings, nil
}

func readFile(path string, uid int) ([]byte, []Warning, error) {
	f, info, err := filetrust.Open(path, 0)
	if flaw := (*filetrust.Flaw)(nil); errors.As(err, &flaw) {
		return nil, nil, fmt.Errorf("%s %w", path, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	warnings, err := checkMode(path, info, uid)
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	return text, warnings, err
}

func checkMode(path string, info fs.FileInfo, uid int) ([]Warning, error) {
	rule := filetrust.Commands(uid)
	fix := "it names commands to run; fix with: chmod go-w " + path
	if flaw := rule.Check(info); flaw != nil {
		if flaw.Foreign {
			fix = "it names commands to run; make a copy of your own"
		}
		return nil, problem.New(CodeMode, "%s %s", path, flaw).Hint("%s", fix)
	}
	if flaw := rule.Warning(info); flaw != nil {
		return []Warning{{Code: string(CodeMode), Message: path + " " + flaw.Error(), Hint: fix}}, nil
	}
	return nil, nil
}
