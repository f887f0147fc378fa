package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// storyLimit is how long a story waits for something that should happen soon.
const storyLimit = 30 * time.Second

// storyCommands are what a story can do beyond testscript's own commands.
//
//	exits N command args…        run it and want the exit code N
//	json FILE PATH VALUE         the JSON document has this value there; ! json FILE PATH wants nothing there
//	jsonenv NAME FILE PATH       put the value there into a variable
//	start NAME command args…     run it in the background; what it writes goes to NAME.out and NAME.err
//	signal NAME INT|TERM|HUP|KILL
//	ended NAME N                 wait for it and want the exit code N
//	waitfor FILE [REGEXP]        wait until the file is there, and matches
//	until REGEXP command args…   run it again until what it prints matches
//	nightscout NAME TOKEN SECRET start a Nightscout site, and put its URL into a variable
//
// FILE may be stdout or stderr. PATH is .key, [n] and .length in a row: .currentConnections[0].id
//
// What these read as JSON, and is of this program, must be as docs/schema says.
func storyCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	b := &background{running: make(map[string]*exec.Cmd)}
	d := documents{readSchemas(t)}
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":      wantsExit,
		"json":       d.wantsValue,
		"jsonenv":    d.setFrom,
		"start":      b.start,
		"signal":     b.signal,
		"ended":      b.ended,
		"waitfor":    waitForFile,
		"until":      runUntil,
		"nightscout": startNightscout,
	}
}

func wantsExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitStatus(ts, err); strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func exitStatus(ts *testscript.TestScript, err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	return exit.ExitCode()
}

// documents reads JSON of stories.
type documents struct{ schemas schemas }

func (d documents) wantsValue(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) == 2 {
		if got, ok := lookUp(d.read(ts, args[0]), args[1]); ok {
			ts.Fatalf("%s is %s, want nothing there", args[1], jsonText(got))
		}
		return
	}
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json FILE PATH VALUE, or ! json FILE PATH")
	}
	got, ok := lookUp(d.read(ts, args[0]), args[1])
	if !ok {
		ts.Fatalf("there is no %s in\n%s", args[1], ts.ReadFile(args[0]))
	}
	if same := jsonText(got) == args[2]; same == neg {
		ts.Fatalf("%s is %s, and the story says %v", args[1], jsonText(got), args)
	}
}

func (d documents) setFrom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: jsonenv NAME FILE PATH")
	}
	got, ok := lookUp(d.read(ts, args[1]), args[2])
	if !ok {
		ts.Fatalf("there is no %s in\n%s", args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], jsonText(got))
}

// read reads a file that holds one JSON document and nothing else.
func (d documents) read(ts *testscript.TestScript, file string) any {
	var v any
	text := ts.ReadFile(file)
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		ts.Fatalf("%s: %v\n%s", file, err, text)
	}
	if dec.More() {
		ts.Fatalf("%s holds more than one document\n%s", file, text)
	}
	if err := d.schemas.checkAny(text); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	return v
}

// pathPart is one part of a path: .key or [n].
var pathPart = regexp.MustCompile(`\.([^.\[]+)|\[(\d+)\]`)

func lookUp(v any, path string) (any, bool) {
	for _, part := range pathPart.FindAllStringSubmatch(path, -1) {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[part[1]]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			if part[1] == "length" {
				return len(at), true
			}
			n, err := strconv.Atoi(part[2])
			if err != nil || n >= len(at) {
				return nil, false
			}
			v = at[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// jsonText is a string as it is, and anything else as JSON.
func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// background has the processes that stories started.
type background struct {
	mu      sync.Mutex
	running map[string]*exec.Cmd
}

func (b *background) key(ts *testscript.TestScript, name string) string {
	return ts.Name() + "/" + name
}

func (b *background) find(ts *testscript.TestScript, name string) *exec.Cmd {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.running[b.key(ts, name)]
	if c == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return c
}

func (b *background) start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME command args...")
	}
	name := args[0]
	ts.Check(ts.Exec("env", "-0")) // the only way to what the story has set
	environ := strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\x00"), "\x00")
	ts.Check(ts.Exec("which", args[1]))
	c := exec.Command(strings.TrimSpace(ts.ReadFile("stdout")), args[2:]...)
	c.Dir, c.Env = ts.MkAbs("."), environ
	c.Stdout, c.Stderr = create(ts, name+".out"), create(ts, name+".err")
	ts.Check(c.Start())
	b.mu.Lock()
	b.running[b.key(ts, name)] = c
	b.mu.Unlock()
	ts.Setenv(name+"_PID", strconv.Itoa(c.Process.Pid))
	ts.Defer(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
}

func create(ts *testscript.TestScript, name string) *os.File {
	f, err := os.Create(ts.MkAbs(name))
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
	return f
}

func (b *background) signal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	if neg || len(args) != 2 || signals[args[1]] == nil {
		ts.Fatalf("usage: signal NAME INT|TERM|HUP|KILL")
	}
	ts.Check(b.find(ts, args[0]).Process.Signal(signals[args[1]]))
}

func (b *background) ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME N")
	}
	c := b.find(ts, args[0])
	late := time.AfterFunc(storyLimit, func() { _ = c.Process.Kill() })
	err := c.Wait()
	if !late.Stop() {
		ts.Fatalf("%s did not end", args[0])
	}
	ts.Logf("[%s.out]\n%s[%s.err]\n%s", args[0], ts.ReadFile(args[0]+".out"), args[0], ts.ReadFile(args[0]+".err"))
	if got := exitStatus(ts, err); strconv.Itoa(got) != args[1] {
		ts.Fatalf("%s: exit code %d, want %s", args[0], got, args[1])
	}
}

func waitForFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfor FILE [REGEXP]")
	}
	want := regexp.MustCompile("(?s).*")
	if len(args) == 2 {
		want = regexp.MustCompile(args[1])
	}
	file := ts.MkAbs(args[0])
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(storyLimit)
	for {
		if text, err := os.ReadFile(file); err == nil && want.Match(text) {
			return
		}
		select {
		case <-poll.C:
		case <-limit:
			ts.Fatalf("%s is not there, or does not match", args[0])
		}
	}
}

// runUntil runs a command again and again, whatever it ends with.
func runUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP command args...")
	}
	want := regexp.MustCompile("(?m)" + args[0])
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(storyLimit)
	for {
		_ = ts.Exec(args[1], args[2:]...) // what it prints decides
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-poll.C:
		case <-limit:
			ts.Fatalf("what it prints does not match in time")
		}
	}
}

func TestStoryPathsFindValues(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(`{"a":{"b":[{"c":"x"},{"c":2}]},"n":null}`), &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		".a.b[0].c": "x", ".a.b[1].c": "2", ".a.b.length": "2", ".n": "null", ".a.b[2]": "-", ".z": "-", ".n.x": "-",
	} {
		got := "-"
		if v, ok := lookUp(doc, path); ok {
			got = jsonText(v)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := fmt.Sprint(lookUp(doc, "")); got == "" {
		t.Error("the empty path is the document")
	}
}
