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

// page is what the browser shows in the end. It is whole in itself, and never blank.
type page struct {
	Title string
	// Good says whether what the person wanted has happened.
	Good bool
	Text string
	// Next is what to do now.
	Next string
	// Fragment lets the page send the parameters of its fragment as a query.
	Fragment bool
	// Clear is what the page puts in the place of its query, which has served its purpose and may be a secret.
	Clear string
	// Again is where the page asks again in a while.
	Again string
	Nonce string
}

// taken is a page whose redirect was taken: its parameters vanish from the address and the history of the browser.
func taken(p page) page {
	p.Clear = "?" + doneParameter + "=1"
	return p
}

// arrived is what such a page says when it is loaded again.
func arrived() page {
	return page{
		Title: "Your answer has arrived", Good: true, Text: "This page has served its purpose.",
		Next: "Close it, and go back to where you began to see what came of it.",
	}
}

func misdirected() page {
	return page{
		Title: "This is not the address of this page", Text: "It was asked for by a name that is not its own. Nothing was changed.",
		Next: "If you are connecting a source, go back to where you began: it still waits for you.",
	}
}

func ended(p session.Progress) page {
	name := p.SourceName
	if name == "" {
		name = "The source"
	}
	const back = "You can close this page."
	switch p.State {
	case session.AttemptConnected:
		return page{Title: name + " is connected", Good: true, Text: "Everything went well.", Next: back}
	case session.AttemptAsks:
		return page{Title: "Nearly there", Good: true, Text: name + " asks for one thing more.", Next: "Close this page and go back to where you began."}
	case session.AttemptFailed:
		return failed(name, p.Failure)
	}
	return page{Title: name + " was not connected", Text: "The session was over before your answer came.", Next: "Close this page and begin again."}
}

func failed(name string, f *failure.Failure) page {
	p := page{Title: name + " was not connected", Text: "It did not work.", Next: "Close this page and go back to where you began."}
	if f == nil {
		return p
	}
	p.Text = f.Message
	if e, ok := failure.Find(f.Code); ok {
		p.Next = "Close this page, go back to where you began, and " + e.Hint + "."
	}
	return p
}

func working(again string) page {
	return taken(page{
		Title: "Your answer has arrived", Good: true, Text: "The source takes its time.", Again: again,
		Next: "This page goes on by itself. You can also close it and go back to where you began.",
	})
}

func stray() page {
	return page{
		Title: "Nothing waits for this page", Text: "It was opened twice, or too late, or by a link from somewhere else. Nothing was changed.",
		Next: "If you are connecting a source, go back to where you began: it still waits for you.",
	}
}

// empty is shown for a redirect without a state; it may stand in the fragment, which only the page sees.
func empty() page {
	p := stray()
	p.Fragment = true
	return p
}

func usedLink() page {
	return page{
		Title: "This link was used before", Text: "It leads to the source once.",
		Next: "Go back to where you began and open the source again from there.",
	}
}

func broken() page {
	return page{
		Title: "Your answer could not be kept", Text: "The program could not write it down.",
		Next: "Go back to where you began to see what is wrong.",
	}
}

// show writes a page. It loads nothing and runs nothing but its own script.
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
