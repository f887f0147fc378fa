package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	if said, err := p.program("open", "--connect", "sandbox-instant", "--on-close", "exit 1", "--hook-wait", "1s").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, args := range []string{
		"session list", "connection list --client-user-id ada", "delivery list", "event list", "source list", "provider list", "hook list",
		"help failures", "help exit-codes", "help environment", "config show",
	} {
		piped, err := p.program(strings.Fields(args)...).Output()
		if err != nil {
			t.Errorf("%s: %v", args, err)
		}
		p.startsWith(p.program(strings.Fields(args)...), true)
		_ = p.command.Wait()
		p.read.Wait()
		for line := range strings.Lines(string(p.all())) {
			if at := strings.LastIndex(line, "\r\x1b[K"); at >= 0 { // what stood there is erased
				line = line[at:]
			}
			line = strings.ReplaceAll(ansi.Strip(line), "\r", "")
			if w := ansi.StringWidth(strings.TrimRight(line, "\n")); w > 80 {
				t.Errorf("%s: a line is %d wide: %s", args, w, line)
			}
		}
		if len(p.all()) == 0 || len(piped) == 0 {
			t.Errorf("%s prints nothing", args)
		}
		if strings.HasSuffix(args, "session list") && (!strings.Contains(string(p.all()), "ago") || !strings.Contains(string(piped), "T")) {
			t.Errorf("%s: %s", args, p.all())
		}
	}
}
