package hook

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	schedule "github.com/humanconnect/humanconnect/core/retry"
)

// manual reads docs/hooks.md.
func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the cells of the rows of the manual's tables whose first cell is like a pattern.
func rows(t *testing.T, pattern string) (found [][]string) {
	t.Helper()
	first := regexp.MustCompile("^" + pattern + "$")
	for line := range strings.Lines(manual(t)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if cells[0] = strings.TrimSpace(cells[0]); len(cells) > 1 && first.MatchString(cells[0]) {
			found = append(found, cells)
		}
	}
	if len(found) == 0 {
		t.Fatalf("the manual has no table of %s", pattern)
	}
	return found
}

func TestManualSaysWhichEventsAHookIsToldOf(t *testing.T) {
	statuses := map[event.On]event.Status{event.OnConnectSource: event.ConnectedSource, event.OnDisconnectSource: event.DisconnectedSource}
	var named []event.On
	for _, cells := range rows(t, "`on[A-Z].*`") {
		on := event.On(strings.Trim(cells[0], "`"))
		named = append(named, on)
		said := strings.Join(cells[1:], " ")
		if !strings.Contains(said, fmt.Sprintf("`%s`", on.Type())) || !strings.Contains(said, fmt.Sprintf("`%s`", statuses[on])) && statuses[on] != "" {
			t.Errorf("%s is told of %s with %s; the manual says %s", on, on.Type(), statuses[on], said)
		}
	}
	if !slices.Equal(named, event.Ons()) {
		t.Errorf("the manual has %v, not %v", named, event.Ons())
	}
}

func TestManualSaysWhatExitCodesOfACommandMean(t *testing.T) {
	for _, cells := range rows(t, `\d+`) {
		if len(cells[0]) == 3 {
			continue // of a URL
		}
		got := send(t.Context(), message(t, "exit "+cells[0], "")).Verdict
		if got != verdictIn(t, cells[1]) {
			t.Errorf("exit code %s is %v; the manual says %q", cells[0], got, cells[1])
		}
	}
}

func TestManualSaysWhatAnswersOfAURLMean(t *testing.T) {
	for _, cells := range rows(t, `\d{3}(–\d{3})?`) {
		from, upTo, several := strings.Cut(cells[0], "–")
		codes := []string{from}
		if several {
			codes = append(codes, upTo)
		}
		for _, text := range codes {
			code, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			e := serve(t, httptest.NewServer, status(code))
			if got := sender().Send(t.Context(), posted(to(e.URL))).Verdict; got != verdictIn(t, cells[1]) {
				t.Errorf("an answer of %d is %v; the manual says %q", code, got, cells[1])
			}
		}
	}
}

// verdictIn is the verdict that a cell begins with.
func verdictIn(t *testing.T, cell string) Verdict {
	t.Helper()
	for begin, verdict := range map[string]Verdict{"accepted": Accepted, "temporary failure": NotNow, "unsubscribed": Gone} {
		if strings.HasPrefix(strings.TrimSpace(cell), begin) {
			return verdict
		}
	}
	t.Errorf("the manual says %q, which is no verdict", cell)
	return Verdict(-1)
}

func TestManualNamesEachHeaderOfAPost(t *testing.T) {
	e := serve(t, httptest.NewServer, status(204))
	if o := sender().Send(t.Context(), posted(to(e.URL))); o.Verdict != Accepted {
		t.Fatalf("%+v", o)
	}
	sent := e.got[0].Header
	var named []string
	for _, cells := range rows(t, "`(webhook|content|humanconnect)-.*`") {
		for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[0], -1) {
			named = append(named, m[1])
			if sent.Get(m[1]) == "" {
				t.Errorf("the manual speaks of %s, which is not sent", m[1])
			}
		}
	}
	for name := range sent {
		name = strings.ToLower(name)
		if ours := strings.HasPrefix(name, "webhook-") || strings.HasPrefix(name, "humanconnect-"); ours && !slices.Contains(named, name) {
			t.Errorf("the manual does not speak of %s", name)
		}
	}
}

func TestManualHasTheSchedules(t *testing.T) {
	text := strings.Join(strings.Fields(manual(t)), " ")
	var quick, long []string
	for _, d := range schedule.Quick()[1:] {
		quick = append(quick, strconv.Itoa(int(d.Seconds())))
	}
	for _, d := range schedule.Long() {
		unit, size := "h", time.Hour
		if d < time.Hour {
			unit, size = "min", time.Minute
		}
		long = append(long, fmt.Sprintf("%d %s", d/size, unit))
	}
	last, total := len(quick)-1, schedule.LongTotal()
	for what, want := range map[string]string{
		"the quick schedule": "after " + strings.Join(quick[:last], ", ") + " and " + quick[last] + " s",
		"the long schedule":  strings.Join(long, ", ") + ", each ± 10 %",
		"the limit to dial":  fmt.Sprintf("Connecting may take %.0f s, TLS %.0f s", dialLimit.Seconds(), handshakeLimit.Seconds()),
		"the cap":            fmt.Sprintf("at most %d KiB of its body are read", answerCap>>10),
		"the time of a body": fmt.Sprintf("for at most %.0f s, and nothing is stored", bodyLimit.Seconds()),
		"the time of a hook": fmt.Sprintf("for %.0f hours and %.0f minutes since it was due", total.Truncate(time.Hour).Hours(), (total % time.Hour).Minutes()),
		"the time of a try":  fmt.Sprintf("%s by default", DefaultTimeout),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is %q, and the manual does not say so", what, want)
		}
	}
}
