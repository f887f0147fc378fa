package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/internal/filetrust"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/internal/textfile"
	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// MaxSecret limits what a secret reference may lead to: 64 KiB.
	MaxSecret = 64 << 10
	// SecretTimeout limits how long the command of a secret reference may take, or whoever fills its file.
	SecretTimeout = 10 * time.Second
)

// SecretRef leads to a secret. One of File, Env and Command is set.
type SecretRef struct {
	// File is an absolute path. The content is the secret, but for one newline at its end.
	File string
	// Env is the name of an environment variable.
	Env string
	// Command is an argv, run without a shell in the directory of the config; what it prints until it exits, or has been quiet for
	// a second after a newline, is the secret, but for one newline at its end. Its process group ends with it. Command[0] is absolute, or a bare name to look up in PATH.
	Command []string

	key string
	at  Position
	dir string
}

// String names the reference, never the secret.
func (s *SecretRef) String() string {
	switch {
	case s.File != "":
		return "file " + s.File
	case s.Env != "":
		return "env " + s.Env
	}
	return "command " + s.Command[0]
}

// Resolve reads the secret anew at each call. It blocks for as long as the file or the command takes, for
// [SecretTimeout] at most. An empty secret is an error; errors are problems with code [CodeSecret] and carry nothing of
// the secret.
//
// The command gets the environment but for the variables of this program, among which may be a session token.
func (s *SecretRef) Resolve(ctx context.Context, env Environment) (sdk.Secret, error) {
	var text []byte
	var err error
	switch {
	case s.File != "":
		text, err = readSecretFile(ctx, s.File, SecretTimeout)
	case s.Env != "":
		text, err = s.lookup(env)
	default:
		text, err = s.run(ctx, env)
	}
	if err == nil && len(text) > MaxSecret {
		err = fmt.Errorf("more than %d KiB", MaxSecret>>10)
	}
	if err != nil {
		return "", s.problem(err)
	}
	if s.Env == "" {
		text = textfile.Value(text, true)
	}
	if len(text) == 0 {
		return "", s.problem(errors.New("it is empty"))
	}
	return sdk.Secret(text), nil
}

// Exists says whether there is something to resolve, as far as can be said without waiting and without running a command: the
// file is there and not empty, or the variable is set. A command exists.
func (s *SecretRef) Exists(env Environment) bool {
	switch {
	case s.File != "":
		info, err := os.Stat(s.File)
		return err == nil && !info.IsDir() && (!info.Mode().IsRegular() || info.Size() > 0)
	case s.Env != "":
		text, err := s.lookup(env)
		return err == nil && len(text) > 0
	}
	return true
}

func (s *SecretRef) problem(err error) error {
	return problem.New(CodeSecret, "%s (%s) cannot be read", s.key, s.at).Because(err).Hint("%s", s.remedy())
}

// remedy is what to do about a secret that is not there.
func (s *SecretRef) remedy() string {
	switch {
	case s.File != "":
		return "write the secret to that file, or correct " + s.key
	case s.Env != "":
		return "set " + s.Env + ", or correct " + s.key
	}
	return "run the command by hand to see what it lacks, or correct " + s.key
}

func (s *SecretRef) lookup(env Environment) ([]byte, error) {
	v, ok := env.Lookup(s.Env)
	if !ok {
		return nil, fmt.Errorf("the environment variable %s is not set", s.Env)
	}
	return []byte(v), nil
}

// readSecretFile reads a file, which may be a pipe that somebody fills in time: it ends with ctx, or when the limit has
// passed, and leaves the read to the end of the program.
func readSecretFile(ctx context.Context, path string, limit time.Duration) ([]byte, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		f, err := os.Open(path)
		if err != nil {
			read <- result{nil, err}
			return
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, MaxSecret+1))
		read <- result{text, err}
	}()
	select {
	case got := <-read:
		return got.text, got.err
	case <-late.C:
		return nil, &lateError{"the file " + path + " was not filled in time"}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// warnings are for a secret file that everyone can read, and for one whose value has blanks at an end. A file that does not exist
// is an error when it is needed.
func (s *SecretRef) warnings() []Warning {
	if s.File == "" {
		return nil
	}
	info, err := os.Stat(s.File)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	var out []Warning
	if flaw := filetrust.Secret().Warning(info); flaw != nil {
		out = append(out, Warning{
			Code:    "secret_mode",
			Message: fmt.Sprintf("the secret file of %s (%s) %s", s.key, s.at, flaw),
			Hint:    "chmod 600 " + s.File,
		})
	}
	if edges := edgesOf(s.File, info.Size()); edges != "" {
		out = append(out, Warning{
			Code:    "secret_blanks",
			Message: fmt.Sprintf("the value in the secret file of %s (%s) %s, which is part of the secret", s.key, s.at, edges),
			Hint:    "remove it, if it is not meant",
		})
	}
	return out
}

// edgesOf reads no more of a secret than its ends.
func edgesOf(path string, size int64) string {
	const edge = 8
	f, _, err := filetrust.Open(path, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size > MaxSecret {
		return ""
	}
	head, tail := make([]byte, min(size, edge)), make([]byte, min(size, edge))
	_, errHead := f.ReadAt(head, 0)
	_, errTail := f.ReadAt(tail, size-int64(len(tail)))
	if errors.Join(errHead, errTail) != nil {
		return ""
	}
	end := textfile.Edges(append([]byte("x"), textfile.Value(tail, true)...))
	return cmp.Or(end, textfile.Edges(append(textfile.Value(head, true), 'x')))
}

func (r *reader) secretWarnings() []Warning {
	var out []Warning
	for _, ref := range r.refs {
		out = append(out, ref.warnings()...)
	}
	return out
}

// secret reads a reference; nil where there is none, or none that can be used.
func (r *reader) secret(n *yaml.Node, key string) *SecretRef {
	if n == nil || !r.plain(n, key) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.flaw(n, key, "a secret must be a reference, such as {file: PATH}")
		return nil
	}
	before := len(r.problems)
	m := r.mapping(n, key, namesOf(secretFields())...)
	ref := &SecretRef{key: key, at: r.at(n), dir: r.dir}
	if s, ok := r.filled(m["file"], join(key, "file")); ok {
		ref.File = r.path(m["file"], join(key, "file"), s)
	}
	if s, ok := r.filled(m["env"], join(key, "env")); ok {
		ref.Env = s
		if strings.Contains(s, "=") {
			r.flaw(m["env"], join(key, "env"), "is not the name of a variable")
		}
	}
	ref.Command = r.argv(m["command"], join(key, "command"), true)
	if len(m) != 1 && len(r.problems) == before {
		r.flaw(n, key, "give one of file, env and command")
	}
	if len(r.problems) > before {
		return nil
	}
	r.refs = append(r.refs, ref)
	return ref
}
