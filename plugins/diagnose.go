package plugins

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// openFailure returns why the executable of a provider cannot be opened.
func openFailure(spec Spec, err error) *Error {
	switch {
	case errors.Is(err, errUntrusted):
		return notTrusted(newError(CodeUntrustedFile, spec.Name, "is refused"), err)
	case errors.Is(err, fs.ErrNotExist):
		return notInstalled(spec)
	}
	if e := exhausted(spec.Name, err); e != nil {
		return e
	}
	return newError(CodeNotExecutable, spec.Name, "cannot be opened").because(err).
		hint("check the permissions: ls -l %s", shellWord(spec.Path()))
}

// execFailure returns why the opened executable of a provider could not be executed.
func execFailure(spec Spec, file *os.File, err error) *Error {
	head := make([]byte, 64)
	n, _ := file.ReadAt(head, 0)
	head = head[:n]
	if info, errStat := file.Stat(); errStat == nil && info.Mode()&0o111 != 0 {
		if e := interpreterFailure(spec, file, err); e != nil {
			return e
		}
	}
	if e := exhausted(spec.Name, err); e != nil {
		return e
	}
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return newError(CodeNotExecutable, spec.Name, "is not executable").fact("file: %s", spec.Path()).
			hint("chmod +x %s", shellWord(spec.Path())).
			hint("if it is, check whether its file system is mounted with noexec")
	case errors.Is(err, syscall.ENOEXEC):
		if built := builtFor(head); built != "" && built != runtime.GOOS+"/"+runtime.GOARCH {
			return newError(CodeWrongArchitecture, spec.Name, "is built for %s, this machine is %s/%s",
				built, runtime.GOOS, runtime.GOARCH).fact("file: %s", spec.Path()).
				hint("install the build of the provider for %s/%s", runtime.GOOS, runtime.GOARCH)
		}
		return newError(CodeNotExecutable, spec.Name, "is not a program that this system can run").
			fact("file: %s", spec.Path()).
			hint("a script starts with #! and the path of its interpreter; the download of a binary may be incomplete")
	}
	return newError(CodeNotExecutable, spec.Name, "could not be executed").because(bare(err))
}

// exhausted is the error of a start that a limit of the system has refused, which is no fault of the executable; nil for another error.
func exhausted(name string, err error) *Error {
	var hint string
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "allow more open files, as with: ulimit -n 4096"
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		hint = "allow more processes and memory to this user, as ulimit -a shows them"
	default:
		return nil
	}
	return newError(CodeUnavailable, name, "could not be started").because(bare(err)).hint("%s", hint)
}

// noRunDir is the error of a start without a directory for its socket.
func noRunDir(name string, err error) *Error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return newError(CodeUnavailable, name, "has no runtime directory").because(err)
	}
	e := newError(p.Code(), name, "has no runtime directory").because(err)
	e.Problem = e.WithHints(p.Hints()...)
	return e
}

// bare removes the path from an error of exec: it is a file descriptor, which means nothing to a reader.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func dynamicLoader(file *os.File) string {
	binary, err := elf.NewFile(file)
	if err != nil {
		return ""
	}
	for _, prog := range binary.Progs {
		if prog.Type == elf.PT_INTERP && prog.Filesz < 4096 {
			name := make([]byte, prog.Filesz)
			if _, err := prog.ReadAt(name, 0); err == nil {
				return strings.TrimRight(string(name), "\x00")
			}
		}
	}
	return ""
}

// builtFor reads the operating system and architecture from the first bytes of an executable: "linux/arm64". Empty: an
// unknown format.
func builtFor(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")) && len(head) >= 20:
		order := binary.ByteOrder(binary.LittleEndian)
		if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
			order = binary.BigEndian
		}
		return elfSystem(head[elf.EI_OSABI]) + "/" + elfMachine(elf.Machine(order.Uint16(head[18:])), order)
	case bytes.HasPrefix(head, []byte("MZ")):
		return "windows"
	case bytes.HasPrefix(head, []byte{0xcf, 0xfa, 0xed, 0xfe}) && len(head) >= 8:
		return "darwin/" + machName(binary.LittleEndian.Uint32(head[4:]))
	case bytes.HasPrefix(head, []byte{0xca, 0xfe, 0xba, 0xbe}):
		return "darwin"
	}
	return ""
}

func elfSystem(abi byte) string {
	switch elf.OSABI(abi) {
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	}
	return "linux"
}

func elfMachine(m elf.Machine, order binary.ByteOrder) string {
	little := order == binary.ByteOrder(binary.LittleEndian)
	switch m {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_386:
		return "386"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_RISCV:
		return "riscv64"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_LOONGARCH:
		return "loong64"
	case elf.EM_PPC64:
		if little {
			return "ppc64le"
		}
		return "ppc64"
	}
	return m.String()
}

func machName(cpu uint32) string {
	switch cpu {
	case 0x01000007:
		return "amd64"
	case 0x0100000c:
		return "arm64"
	}
	return "unknown"
}
