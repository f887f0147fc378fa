package iostreams

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestNoticesAreHeldBackAndWrittenInOrder(t *testing.T) {
	var out bytes.Buffer
	n := &notices{w: &out}
	n.hold()
	_, _ = n.Write([]byte("one\n"))
	n.show("working")
	_, _ = n.Write([]byte("two\n"))
	if out.Len() > 0 {
		t.Errorf("%q is written while it is held back", out.String())
	}
	n.release()
	n.release()
	_, _ = n.Write([]byte("three\n"))
	if want := "one\ntwo\n" + eraseLine + "working" + eraseLine + "three\nworking"; out.String() != want {
		t.Errorf("%q is written, want %q", out.String(), want)
	}
}

func TestHeldBackNoticesAreLimited(t *testing.T) {
	var out bytes.Buffer
	n := &notices{w: &out}
	n.hold()
	for i := range 2 * maxKept / 10 {
		_, _ = fmt.Fprintf(n, "%09d\n", i)
	}
	n.release()
	first, rest, _ := strings.Cut(out.String(), "\n")
	if len(rest) > maxKept || len(rest) < maxKept-10 || len(rest)%10 != 0 || !strings.HasSuffix(rest, fmt.Sprintf("%09d\n", 2*maxKept/10-1)) {
		t.Errorf("%d bytes are kept, from %.10q to %q", len(rest), rest, rest[max(len(rest)-10, 0):])
	}
	if want := fmt.Sprintf("the first %d bytes", 2*maxKept/10*10-len(rest)); !strings.Contains(first, want) {
		t.Errorf("of the rest is said %q, want %q", first, want)
	}
}
