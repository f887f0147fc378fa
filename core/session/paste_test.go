package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/session"
)

// likeState is as long as a state is.
const likeState = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE"

func TestParametersOfARedirectAreFoundInWhateverWasPasted(t *testing.T) {
	const query = "code=a%2Bb.c&state=" + likeState
	for name, text := range map[string]string{
		"whole":                        "http://127.0.0.1:1/callback?" + query,
		"without a scheme":             "127.0.0.1:1/callback?" + query,
		"the query":                    "?" + query,
		"the parameters":               query,
		"the other order":              "?state=" + likeState + "&code=a%2Bb.c",
		"entities":                     "http://127.0.0.1:1/callback?" + strings.ReplaceAll(query, "&", "&amp;"),
		"over two lines":               "http://127.0.0.1:1/callback?code=a%2Bb.c&sta\r\n  te=" + likeState + "\n",
		"a state over two lines":       "http://127.0.0.1:1/callback?code=a%2Bb.c&state=" + likeState[:9] + "\n" + likeState[9:],
		"over two lines, and text":     "The page is: http://127.0.0.1:1/callback?code=a%2Bb.c&sta\nte=" + likeState + " thanks",
		"quotes":                       `"http://127.0.0.1:1/callback?` + query + `"`,
		"curly quotes":                 "\u201chttp://127.0.0.1:1/callback?" + query + "\u201d",
		"text around":                  "I ended at http://127.0.0.1:1/callback?" + query + ", what now?",
		"text right before":            "URL:http://127.0.0.1:1/callback?" + query,
		"brackets":                     "<http://127.0.0.1:1/callback?" + query + ">",
		"a link of Markdown":           "[here](http://127.0.0.1:1/callback?" + query + ")",
		"the fragment":                 "http://127.0.0.1:1/callback#" + query,
		"a query and the fragment":     "http://127.0.0.1:1/callback?x=1#" + query,
		"an end of a sentence":         "It is http://127.0.0.1:1/callback?" + query + ".",
		"a zero-width space":           "\u200bhttp://127.0.0.1:1/callback?" + query,
		"a command of a shell":         "curl 'http://127.0.0.1:1/callback?" + query + "'",
		"escaped for a shell":          "http://127.0.0.1:1/callback?" + query + "\\",
		"encoded once more":            "http%3A%2F%2F127.0.0.1%3A1%2Fcallback%3Fcode%3Da%252Bb.c%26state%3D" + likeState,
		"other address before, quoted": "from https://source.example/authorize?x=1 to http://127.0.0.1:1/callback?" + query,
	} {
		found := false
		for _, c := range session.FindRedirects(text) {
			if c.Get("state") == likeState {
				found = true
				if diff := cmp.Diff("a+b.c", c.Get("code")); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				break
			}
		}
		if !found {
			t.Errorf("%s: no state in %+v", name, session.FindRedirects(text))
		}
	}
}

func TestLinesOfAPasteAreTakenTogether(t *testing.T) {
	var p session.Pasted
	var tried []string
	take := func(_ context.Context, text string) (session.CallbackOutcome, error) {
		tried = append(tried, text)
		if text == "one\ntwo" {
			return session.CallbackAccepted, nil
		}
		return session.CallbackNoState, nil
	}
	if got, err := p.Take(t.Context(), "one", take); err != nil || got != session.CallbackNoState {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := p.Take(t.Context(), "two", take); err != nil || got != session.CallbackAccepted {
		t.Errorf("%v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"one", "two", "one\ntwo"}, tried); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusedPasteSaysWhatIsMissing(t *testing.T) {
	_, e, _ := opened(t, connectTo(alpha))
	for text, want := range map[string]session.CallbackOutcome{
		"": session.CallbackNoAddress, "nonsense": session.CallbackNoAddress, "http://127.0.0.1:1/callback": session.CallbackNoState,
		"127.0.0.1:1/callback": session.CallbackNoState, "?code=x": session.CallbackNoState, "localhost:1/": session.CallbackNoState,
		"?code=x&state=" + likeState: session.CallbackStray,
	} {
		if got, err := e.PasteRedirect(t.Context(), text); err != nil || got.Outcome != want {
			t.Errorf("%q: %s, %v; want %s", text, got.Outcome, err, want)
		}
	}
}
