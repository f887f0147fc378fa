package authority

import (
	"embed"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed page.html
var pageFile embed.FS

var pages = template.Must(template.ParseFS(pageFile, "page.html"))

// page is what a page shows.
type page struct {
	Title string
	// ID of the request on the consent page.
	ID       string
	Client   string
	Device   bool
	Username string
	Scopes   []scopeChoice
	Fault    string
	Faults   []Fault
	// Code as typed on the device page.
	Code string
	// Wrong says what is wrong, above the form; Field at which field.
	Wrong string
	Field string
	// Text of a page without a form.
	Text string
}

// scopeChoice is one requested scope.
type scopeChoice struct {
	Scope, Says string
	On          bool
}

func says(scope string) string {
	known := map[string]string{
		"openid": "Know that it is you", "profile": "See your user name",
		"offline_access": "Keep access while you are away", "activity:read": "Read your activity",
		"weight:read": "Read your weight",
	}
	if s := known[scope]; s != "" {
		return s
	}
	return scope
}

func (a *Authority) home(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, "message", page{
		Title: "Sandbox authorization server",
		Text:  "It is running. Connect sandbox-tracker or sandbox-scale with humanconnect to return here.",
	})
}

// show writes a page that needs no script and loads nothing. The policy has no form-action: browsers apply it to the redirect
// after a form too, and that one goes to the client.
func show(w http.ResponseWriter, status int, name string, p page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, p) // fails if the browser is gone
}

func lost(w http.ResponseWriter) {
	show(w, http.StatusNotFound, "message", page{
		Title: "This page has expired",
		Text:  "The request is unknown, was already answered, or has expired. Go back to the application and start again.",
	})
}

// onlyLoopback keeps the authorization endpoint from sending a browser anywhere but to this machine.
func (a *Authority) onlyLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.FormValue("redirect_uri"); !local(to) || !hasPort(to) {
			show(w, http.StatusBadRequest, "message", page{
				Title: "The request cannot be answered",
				Text:  "Its redirect URI is not on this machine.",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hasPort(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, _, err = net.SplitHostPort(u.Host)
	return err == nil
}

func (a *Authority) showConsent(w http.ResponseWriter, r *http.Request) {
	asked, err := a.store.request(r.URL.Query().Get("id"))
	if err != nil || asked.decision.made {
		lost(w)
		return
	}
	show(w, http.StatusOK, "consent", consentPage(asked, asked.scopesAsked()))
}

func consentPage(asked *request, on []string) page {
	p := page{
		Title: "Sign in to the sandbox", ID: asked.id, Client: asked.client.name, Device: asked.device != nil,
		Username: "demouser", Fault: faultNone, Faults: faultsFor(asked.device != nil),
	}
	for _, scope := range asked.scopesAsked() {
		p.Scopes = append(p.Scopes, scopeChoice{scope, says(scope), slices.Contains(on, scope)})
	}
	return p
}

// takeConsent handles the form of the consent page.
func (a *Authority) takeConsent(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		lost(w)
		return
	}
	form := r.PostForm
	asked, err := a.store.request(form.Get("id"))
	if err != nil || asked.decision.made {
		lost(w)
		return
	}
	d := decision{username: form.Get("username"), fault: form.Get("fault"), scopes: chosen(asked, form["scope"])}
	if form.Get("decision") == "deny" {
		d.fault = faultDenied
	} else if wrong, field := a.wrong(asked, form, d); wrong != "" {
		p := consentPage(asked, d.scopes)
		p.Username, p.Fault, p.Wrong, p.Field = d.username, d.fault, wrong, field
		show(w, http.StatusUnprocessableEntity, "consent", p)
		return
	}
	if !a.store.decide(asked.id, d) {
		lost(w)
		return
	}
	a.decided(w, r, asked, d)
}

// wrong returns what is wrong with the form, and at which field.
func (a *Authority) wrong(asked *request, form url.Values, d decision) (says, field string) {
	switch {
	case form.Get("decision") != "allow":
		return "Choose whether to allow or to deny.", ""
	case !usernames.MatchString(d.username):
		return "Unknown user. Try demouser, or demouser2 for another account.", "username"
	case form.Get("password") != password:
		return "The password is wrong. It is: password", "password"
	case !knownFault(d.fault, asked.device != nil):
		return "Choose what should happen.", "fault"
	}
	return "", ""
}

// chosen returns the scopes that were both requested and ticked. openid is not optional.
func chosen(asked *request, ticked []string) []string {
	var scopes []string
	for _, scope := range asked.scopesAsked() {
		if slices.Contains(ticked, scope) || scope == oidc.ScopeOpenID {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// decided continues after the decision: back to the client, or to a last page for a device.
func (a *Authority) decided(w http.ResponseWriter, r *http.Request, asked *request, d decision) {
	switch {
	case asked.device != nil && d.fault == faultDenied:
		show(w, http.StatusOK, "message", page{Title: "Access denied", Text: "You can close this page."})
	case asked.device != nil:
		show(w, http.StatusOK, "message", page{Title: "Access allowed", Text: "You can close this page and go back to your device."})
	case d.fault == faultDenied:
		op.AuthRequestError(w, r, asked, oidc.ErrAccessDenied(), a.provider)
		_ = a.store.DeleteAuthRequest(r.Context(), asked.id) // it fails for no id
	default:
		http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(asked.id), http.StatusSeeOther)
	}
}

// showDevice asks for the user code of a device, or takes it from the URL (RFC 8628 §3.3.1).
func (a *Authority) showDevice(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	p := page{Title: "Connect a device", Code: typed}
	if typed == "" {
		show(w, http.StatusOK, "device", p)
		return
	}
	a.store.mu.Lock()
	found := a.store.byUserCode(typed)
	a.store.mu.Unlock()
	if found == nil {
		p.Wrong = "The code is unknown or has expired."
		show(w, http.StatusUnprocessableEntity, "device", p)
		return
	}
	http.Redirect(w, r, pathConsent+"?id="+url.QueryEscape(found.id), http.StatusSeeOther)
}
