package session

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/humanconnect/humanconnect/sdk"
)

var (
	pasteScheme = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://`)
	})
	// pasteTraces are what a redirect without a state still has: an address, or another parameter of an authorization response
	// (RFC 6749 §4.1.2, §4.2.2; RFC 9207).
	pasteTraces = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://|\b(?:localhost|127(?:\.[0-9]+){3})[:/]|\b(?:code|error|iss|id_token|response)=`)
	})
)

// PasteRedirect takes what a person pasted for a redirect: the address that a browser ended at, or a part of it, with
// whatever is around it. See [FindRedirects].
func (e *Engine) PasteRedirect(ctx context.Context, text string) (CallbackResult, error) {
	found := FindRedirects(text)
	result := CallbackResult{Outcome: CallbackNoAddress}
	if pasteTraces().MatchString(text) {
		result.Outcome = CallbackNoState
	}
	for _, c := range found {
		var err error
		if result, err = e.Callback(ctx, c); err != nil || result.Outcome == CallbackAccepted {
			return result, err
		}
	}
	return result, nil
}

// FindRedirects looks for the parameters of a redirect in what a person pasted: a whole address, one without its scheme, the
// query alone, in quotes, with text around it, broken over lines, with the entities of HTML, or encoded once more. It returns
// each reading that has a state, the likeliest first. A state is 256 bits, so that a reading that is not meant finds no attempt.
func FindRedirects(text string) []sdk.Callback {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // such as a zero-width space
			return -1
		}
		return r
	}, text)
	text = strings.NewReplacer("&amp;", "&", "&#38;", "&", "&#x26;", "&", "&#61;", "=", "&#x3D;", "=", "&quot;", `"`, "&#34;", `"`, "&#39;", "'").Replace(text)
	readings := []string{text, withoutBreaks(text), strings.Join(strings.Fields(text), "")}
	if once, err := url.QueryUnescape(text); err == nil && once != text {
		readings = append(readings, once)
	}
	var found []sdk.Callback
	for _, reading := range readings {
		for _, part := range parts(reading) {
			if c := parametersOf(part); c.Get("state") != "" {
				found = append(found, c)
			}
		}
	}
	return found
}

// withoutBreaks joins lines, and keeps the blanks in them.
func withoutBreaks(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		b.WriteString(strings.TrimSpace(line))
	}
	return b.String()
}

// parts are the runs of text that may be a redirect: between blanks and quotes, and the addresses in them. Of text with more
// than one, the punctuation behind each is not part of it.
func parts(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\"'<>`\\\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb", r)
	})
	var out []string
	for _, word := range words {
		for _, at := range pasteScheme().FindAllStringIndex(word, -1) {
			word = word[at[0]:]
			break
		}
		bare := strings.TrimRight(word, ".,;:!)]}*")
		if len(words) == 1 {
			out = append(out, word, bare)
		} else {
			out = append(out, bare, word)
		}
	}
	return out
}

// parametersOf reads the query and the fragment of a part; of one without either, all of it.
func parametersOf(part string) sdk.Callback {
	query, fragment, _ := strings.Cut(part, "#")
	if i := strings.IndexByte(query, '?'); i >= 0 {
		query = query[i+1:]
	} else if strings.Contains(query, "://") {
		query = ""
	}
	return sdk.Callback{Parameters: append(parameters(query), parameters(strings.TrimPrefix(fragment, "?"))...)}
}

// maxPasted is how much of the lines before is kept, in bytes.
const maxPasted = 64 << 10

// Pasted are the lines that a person has pasted: a terminal passes on an address that is broken over lines one by one. The
// zero value has none.
type Pasted struct{ before string }

// Take takes a line for a redirect: by itself, else together with those before it.
func (p *Pasted) Take(ctx context.Context, line string, take func(context.Context, string) (CallbackOutcome, error)) (CallbackOutcome, error) {
	outcome, err := take(ctx, line)
	if err != nil || outcome == CallbackAccepted {
		return outcome, err
	}
	if p.before != "" {
		if together, err := take(ctx, p.before+line); err != nil || together == CallbackAccepted {
			return together, err
		}
	}
	if p.before += line + "\n"; len(p.before) > maxPasted {
		p.before = ""
	}
	return outcome, nil
}
