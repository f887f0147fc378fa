package redirect

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
)

//go:embed page.html
var pageText string

// page is what the browser shows after the redirect. It is self-contained, and never blank.
type page struct {
	Title string
	// Good marks a success.
	Good bool
	Text string
	// Next says what to do next.
	Next string
	// Fragment lets the page send the parameters of its fragment as a query.
	Fragment bool
	// Clear replaces the query of the page, which was processed and may contain a secret.
	Clear string
	// Refresh is the URL that the page loads after a while.
	Refresh string
	Nonce   string
}

// withoutQuery makes a page remove its parameters from the URL and the history of the browser.
func withoutQuery(p page) page {
	p.Clear = "?" + doneParameter + "=1"
	return p
}

// alreadyReceived is the page of a processed redirect that is loaded again.
func alreadyReceived() page {
	return page{
		Title: "Response received", Good: true, Text: "This page is no longer needed.",
		Next: "Close it, and go back to where you started to see the result.",
	}
}

func wrongHost() page {
	return page{
		Title: "Wrong address", Text: "This page was requested under a host name that is not its own. Nothing was changed.",
		Next: "If you are connecting a source, go back to where you started: it is still waiting for you.",
	}
}

func resultPage(p session.Progress) page {
	name := p.SourceName
	if name == "" {
		name = "The source"
	}
	const back = "You can close this page."
	switch p.State {
	case session.AttemptConnected:
		return page{Title: name + " is connected", Good: true, Text: "The connection is complete.", Next: back}
	case session.AttemptAsks:
		return page{Title: "Almost done", Good: true, Text: name + " needs one more step.", Next: "Close this page and go back to where you started."}
	case session.AttemptFailed:
		return failurePage(name, p.Failure)
	}
	return page{Title: name + " was not connected", Text: "The session ended before the response arrived.", Next: "Close this page and start again."}
}

func failurePage(name string, f *failure.Failure) page {
	p := page{Title: name + " was not connected", Text: "Something went wrong.", Next: "Close this page and go back to where you started."}
	if f == nil {
		return p
	}
	p.Text = f.Message
	if e, ok := failure.Find(f.Code); ok {
		p.Next = "Close this page, go back to where you started, and " + e.Hint + "."
	}
	return p
}

func working(refresh string) page {
	return withoutQuery(page{
		Title: "Response received", Good: true, Text: "Waiting for the source.", Refresh: refresh,
		Next: "This page updates automatically. You can also close it and go back to where you started.",
	})
}

func notPending() page {
	return page{
		Title: "No pending authorization", Text: "This page was opened twice, too late, or from a link on another site. Nothing was changed.",
		Next: "If you are connecting a source, go back to where you started: it is still waiting for you.",
	}
}

// withoutState is the page of a redirect without state; the state may be in the fragment, which only the page can read.
func withoutState() page {
	p := notPending()
	p.Fragment = true
	return p
}

func usedLink() page {
	return page{
		Title: "This link was already used", Text: "It opens the source only once.",
		Next: "Go back to where you started and open the source again from there.",
	}
}

func notYourLink() page {
	return page{
		Title: "This link is for another user", Text: "It opens the source only for the user of this computer who started humanconnect. It was not used up.",
		Next: "Open the URL that humanconnect shows, in a browser of that user.",
	}
}

func notStored() page {
	return page{
		Title: "The response could not be stored", Text: "An error occurred while storing it.",
		Next: "Go back to where you started to see the error.",
	}
}

// show writes a page. It loads nothing and runs only its own script.
func show(w http.ResponseWriter, status int, p page) {
	var b [nonceSize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	p.Nonce = base64.RawStdEncoding.EncodeToString(b[:])
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+p.Nonce+"'; script-src 'nonce-"+p.Nonce+
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.WriteHeader(status)
	_ = template.Must(template.New("page").Parse(pageText)).Execute(w, p) // the browser may be gone
}
