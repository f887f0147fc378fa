package plugins_test

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// The nine ways in which a provider most often is no provider, and some more: each says what it is, within the start
// limit, and leaves no process. (A hang and a crash in a step are in call_test.go.)
func TestEachFaultyStartHasItsOwnDiagnosis(t *testing.T) {
	s := newStage(t)
	for name, c := range map[string]struct {
		spec plugins.Spec
		kind problem.Code
		says []string
	}{
		"not executable": {s.file(t, "#!/bin/sh\n", 0o644), plugins.CodeNotExecutable, []string{"is not executable", "chmod +x"}},
		"wrong architecture": {
			s.file(t, foreignELF(), 0o755), plugins.CodeWrongArchitecture,
			[]string{"linux/s390x", runtime.GOOS + "/" + runtime.GOARCH},
		},
		"text": {s.file(t, "hello", 0o755), plugins.CodeNotExecutable, []string{"not a program"}},
		"interpreter missing": {
			s.file(t, "#!/nowhere/python9 -u\n", 0o755), plugins.CodeNotExecutable, []string{"/nowhere/python9"},
		},
		"not a plugin":         {s.command("/bin/true"), plugins.CodeNotAPlugin, []string{"before the handshake", "exit status 0"}},
		"not a plugin, prints": {s.command("/bin/echo", "hi"), plugins.CodePrinted, []string{"«hi test"}},
		"refuses":              {s.spec("refuses"), plugins.CodeNotAPlugin, []string{"exit status 3", "cannot open the thing"}},
		"panics at start":      {s.spec("panics"), plugins.CodeNotAPlugin, []string{"exit status 2", "no start today"}},
		"printed":              {s.spec("prints"), plugins.CodePrinted, []string{"«debug: [31mstarting[0m up»"}},
		"other protocol":       {s.spec("protocol7"), plugins.CodeProtocol, []string{"protocol version 7", "speaks 1"}},
		"listens elsewhere":    {s.spec("tcp"), plugins.CodeProtocol, []string{"tcp 127.0.0.1:1"}},
		"certificate":          {s.spec("certificate"), plugins.CodeProtocol, []string{"certificate", "TLS"}},
		"broken certificate":   {s.spec("line", strings.Repeat("A", 60)), plugins.CodeProtocol, []string{"certificate", "TLS"}},
		"short certificate":    {s.spec("line", "x"), plugins.CodeProtocol, []string{"certificate", "TLS"}},
		"multiplexing":         {s.spec("line", "", "true"), plugins.CodeProtocol, []string{"multiplexing", "\"true\""}},
		"unknown field":        {s.spec("line", "", "", "more"), plugins.CodeProtocol, []string{"\"more\" in field 8"}},
		"listens nowhere":      {s.spec("deaf"), plugins.CodeProtocol, []string{"does not answer on its socket"}},
		"wrong checksum":       {s.pinned("provider", strings.Repeat("ab", 32)), plugins.CodeChecksum, []string{"abab", "sha256 found"}},
		"unpinned":             {s.pinned("provider", ""), plugins.CodeUnpinned, []string{"humanconnect provider lock test"}},
		"hangs":                {s.spec("hangs"), plugins.CodeStartTimeout, []string{"within 700ms"}},
		"answers nothing":      {s.spec("mute"), plugins.CodeStartTimeout, []string{"on its socket", "within 700ms"}},
		"missing":              {s.command("/nowhere/humanconnect-provider-test"), plugins.CodeNotFound, []string{"/nowhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			limits := plugins.Limits{Start: 10 * time.Second} // what is told for another reason may take its time
			if c.kind == plugins.CodeStartTimeout {
				limits.Start = 700 * time.Millisecond
			}
			h := s.in(t).host(plugins.Options{Specs: []plugins.Spec{c.spec}, Limits: limits})
			began := time.Now()
			_, err := h.Provider(t.Context(), "test", "instant")
			e := failure(t, err)
			if e.Code() != c.kind {
				t.Errorf("kind is %s, want %s\n%s", e.Code(), c.kind, explain(err))
			}
			for _, says := range c.says {
				if !strings.Contains(explain(err), says) {
					t.Errorf("%q is not in\n%s", says, explain(err))
				}
			}
			if len(e.Hints()) == 0 {
				t.Errorf("no hint: %v", err)
			}
			if took := time.Since(began); took > limits.Start+5*time.Second {
				t.Errorf("took %s", took)
			}
			s.in(t).nothingLeft()
		})
	}
}

func TestUnknownProviderIsNotFound(t *testing.T) {
	_, err := newStage(t).host(plugins.Options{}).Provider(t.Context(), "nobody", "instant")
	if e := failure(t, err); e.Code() != plugins.CodeNotFound {
		t.Error(explain(err))
	}
}

func TestDevProviderIsRefusedWithRefuseDev(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, RefuseDev: true})
	_, err := h.Provider(t.Context(), "test", "instant")
	if e := failure(t, err); e.Code() != plugins.CodeDevRefused {
		t.Error(explain(err))
	}
}

func TestScriptRunsAsProvider(t *testing.T) {
	s := newStage(t)
	spec := s.file(t, "#!/bin/sh\nexec "+s.self+" act:provider "+s.marker+"\n", 0o755)
	h := s.hostOf(spec)
	if _, err := step(t, provider(t, h), "instant"); err != nil {
		t.Error(explain(err))
	}
}

// A file that is still open for writing cannot be executed; just after an install that passes.
func TestStartWaitsForAFileThatIsBeingWritten(t *testing.T) {
	s := newStage(t)
	spec := s.file(t, "", 0o755)
	data, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.OpenFile(spec.Path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write(data); err != nil {
		t.Fatal(err)
	}
	closed := time.AfterFunc(50*time.Millisecond, func() { _ = open.Close() })
	defer closed.Stop()
	_, err = s.hostOf(spec).Provider(t.Context(), "test", "instant")
	if e := failure(t, err); e.Code() != plugins.CodeNotAPlugin {
		t.Errorf("it was not executed: %s", explain(err))
	}
}

func (s *stage) command(argv ...string) plugins.Spec {
	return plugins.Spec{Name: "test", Dev: true, Command: append(argv, "test", s.marker)}
}

func (s *stage) pinned(actName, digest string) plugins.Spec {
	spec := s.spec(actName)
	spec.Dev, spec.SHA256 = false, digest
	return spec
}

// file is a provider made of some bytes.
func (s *stage) file(t *testing.T, content string, mode os.FileMode) plugins.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), plugins.Prefix+"test")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return plugins.Spec{Name: "test", Dev: true, Command: []string{path}}
}

// foreignELF is the start of an executable for a machine that this is not.
func foreignELF() string {
	head := make([]byte, 64)
	copy(head, "\x7fELF")
	head[elf.EI_CLASS], head[elf.EI_DATA], head[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2MSB), 1
	binary.BigEndian.PutUint16(head[16:], uint16(elf.ET_EXEC))
	binary.BigEndian.PutUint16(head[18:], uint16(elf.EM_S390))
	return string(head)
}
