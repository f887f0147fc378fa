package plugins

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	// shebangLimit is how much of a script's first line the systems read.
	shebangLimit = 256
	// maxInterpreters is how many interpreters of interpreters Linux follows.
	maxInterpreters = 4
	// notFoundStatus is the exit status of env and of a shell that do not find a program (POSIX, 2.8.2).
	notFoundStatus = 127
	// windowsLines is the hint for a script that another system has written.
	windowsLines = `its lines end with \r\n, as on Windows; save them with \n: sed -i 's/\r$//' %s`
)

// shebang splits the first line of a script as the system does: the interpreter, and all the rest as one argument.
func shebang(head []byte) (interpreter, argument string, ok bool) {
	line, ok := bytes.CutPrefix(head[:min(len(head), shebangLimit)], []byte("#!"))
	if !ok {
		return "", "", false
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	text := strings.Trim(string(line), " \t")
	at := strings.IndexAny(text, " \t")
	if at < 0 {
		return text, "", true
	}
	return text[:at], strings.Trim(text[at:], " \t"), true
}

// shebangOf is the shebang of a file.
func shebangOf(file *os.File) (interpreter, argument string, ok bool) {
	head := make([]byte, shebangLimit)
	n, _ := file.ReadAt(head, 0)
	return shebang(head[:n])
}

// envProgram is the program that an executable lets env(1) search in PATH: by its first line, or because it is env and command has
// its arguments. It is empty where there is none, and where env is to change the PATH.
func envProgram(file *os.File, command []string) string {
	interpreter, argument, script := shebangOf(file)
	args := command[1:]
	if script {
		args = []string{argument}
		if rest, ok := strings.CutPrefix(argument, "-S"); ok {
			args = strings.Fields(rest)
		}
	} else {
		interpreter = command[0]
	}
	if filepath.Base(interpreter) != "env" {
		return ""
	}
	for _, arg := range args {
		switch {
		case strings.HasPrefix(arg, "PATH="), strings.HasPrefix(arg, "-"):
			return ""
		case !strings.Contains(arg, "="):
			return arg
		}
	}
	return ""
}

// inPath says whether a program is found as env(1) finds it.
func inPath(program string, environ []string) bool {
	if strings.Contains(program, "/") {
		return isExecutable(program)
	}
	return slices.ContainsFunc(filepath.SplitList(pathOf(environ)), func(dir string) bool { return isExecutable(filepath.Join(dir, program)) })
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// interpreterFailure explains the error of executing a script, or a binary with a loader, that is itself executable: what runs it
// is missing, or cannot be run.
func interpreterFailure(spec Spec, file *os.File, err error) *Error {
	needs, loads := lastInterpreter(file, maxInterpreters)
	switch {
	case loads != "" && errors.Is(err, syscall.ENOENT):
		return newError(CodeNotExecutable, spec.Name, "needs the dynamic loader %s, which is not installed", clean(loads, 80)).
			fact("file: %s", spec.Path()).
			hint("install what it needs, or a statically linked build of the provider")
	case needs == "":
		return nil
	case errors.Is(err, syscall.ENOENT) && strings.HasSuffix(needs, "\r"):
		return newError(CodeNotExecutable, spec.Name, "needs the interpreter %s, which is not installed", visible(needs)).
			fact("file: %s", spec.Path()).
			hint(windowsLines, shellWord(spec.Path()))
	case errors.Is(err, syscall.ENOENT):
		return newError(CodeNotExecutable, spec.Name, "needs the interpreter %s, which is not installed", visible(needs)).
			fact("file: %s", spec.Path()).hint("install it, or correct the first line of the file")
	}
	return newError(CodeNotExecutable, spec.Name, "needs the interpreter %s, which this system cannot run", visible(needs)).
		because(bare(err)).fact("file: %s", spec.Path()).hint("install it, or correct the first line of the file")
}

// lastInterpreter follows the interpreters of scripts to the last one, which is no script or is not there, and to the dynamic
// loader that this or the file itself needs.
func lastInterpreter(file *os.File, depth int) (interpreter, loader string) {
	interpreter, _, script := shebangOf(file)
	if !script {
		return "", dynamicLoader(file)
	}
	next, err := os.Open(interpreter)
	if err != nil || depth == 0 {
		return interpreter, ""
	}
	defer closeFiles(next)
	if info, err := next.Stat(); err != nil || !info.Mode().IsRegular() {
		return interpreter, ""
	}
	further, loader := lastInterpreter(next, depth-1)
	if further == "" {
		further = interpreter
	}
	return further, loader
}

// visible is text of a provider on one line, in which a carriage return can be seen.
func visible(text string) string { return clean(strings.ReplaceAll(text, "\r", `\r`), 200) }

// missingProgram is the error for a program that env(1) did not find; nil if it found one, or is not used. A program that we killed
// before it could exit is judged by PATH alone.
func (l *launch) missingProgram() *Error {
	program := envProgram(l.file, l.spec.Command)
	proc := l.process()
	if program == "" || !proc.wasKilled() && proc.state().ExitCode() != notFoundStatus || inPath(program, l.childEnv) {
		return nil
	}
	e := newError(CodeNotExecutable, l.spec.Name, "needs the program %s, which is not installed", visible(program)).
		fact("file: %s", l.spec.Path())
	switch {
	case strings.HasSuffix(program, "\r"):
		return e.hint(windowsLines, shellWord(l.spec.Path()))
	case strings.ContainsAny(program, " \t"):
		return e.hint("env takes all that follows it in a first line for one program; begin the line with: #!/usr/bin/env -S")
	case strings.Contains(program, "/"):
		return e.hint("install it, or correct the path")
	}
	return e.fact("PATH: %s", pathOf(l.childEnv)).hint("install it, or add its directory to PATH")
}

func pathOf(environ []string) string {
	for _, variable := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(variable, "PATH="); ok {
			return value
		}
	}
	return ""
}
