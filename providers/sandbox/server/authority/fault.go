package authority

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong on demand.
type Fault struct {
	// ID is the value of the field fault on the page.
	ID string
	// Says what happens, to a person.
	Says string
	// Browser and Device: for which method of connecting it can be chosen.
	Browser, Device bool
}

// The faults that are used in more than one place.
const (
	faultNone        = "none"
	faultDenied      = "denied"
	faultExpired     = "expired"
	faultSlowDown    = "slow_down"
	faultAccount     = "account_fails"
	faultLate        = "account_late"
	faultShort       = "short"
	faultNoRotation  = "no_rotation"
	faultRevokeLater = "revoke_later"
	faultRevokeFails = "revoke_fails"
)

// How long the faults take.
const (
	slowness     = 2 * time.Second
	revokedAfter = 5 * time.Second
	shortLife    = 2 * time.Second
)

// Faults lists all faults, in the order of the page and of the table in README.md.
func Faults() []Fault {
	return []Fault{
		{faultNone, "Nothing goes wrong", true, true},
		{"wrong_state", "The answer carries another state", true, false},
		{"wrong_issuer", "The answer names another issuer", true, false},
		{"no_code", "The answer has no code", true, false},
		{"error_temporarily_unavailable", "The answer is the error temporarily_unavailable", true, false},
		{"error_server_error", "The answer is the error server_error", true, false},
		{"error_invalid_scope", "The answer is the error invalid_scope", true, false},
		{"error_unauthorized_client", "The answer is the error unauthorized_client", true, false},
		{faultExpired, "The code expires at once", false, true},
		{faultSlowDown, "The next question is answered with slow_down", false, true},
		{"slow", "The token comes after 2 seconds", true, true},
		{"hang", "The token never comes", true, true},
		{"token_unavailable", "Instead of the token comes 503", true, true},
		{"token_rate_limited", "Instead of the token comes 429", true, true},
		{"token_garbage", "Instead of the token comes a page", true, true},
		{"token_huge", "Instead of the token come 2 MiB", true, true},
		{"token_redirect", "Instead of the token comes a redirect", true, true},
		{"code_refused", "Instead of the token comes invalid_grant", true, true},
		{"client_refused", "Instead of the token comes invalid_client", true, true},
		{faultAccount, "The userinfo request fails", true, true},
		{faultLate, "The account can be asked for the second time", true, true},
		{faultShort, "The access token works for 2 seconds", true, true},
		{faultNoRotation, "The refresh token stays the same", true, true},
		{faultRevokeLater, "The source ends the access after 5 seconds", true, true},
		{faultRevokeFails, "Revoking fails with 503", true, true},
	}
}

// faultsFor lists those of a method of connecting.
func faultsFor(device bool) []Fault {
	return slices.DeleteFunc(Faults(), func(f Fault) bool { return device && !f.Device || !device && !f.Browser })
}

func knownFault(id string, device bool) bool {
	return slices.ContainsFunc(faultsFor(device), func(f Fault) bool { return f.ID == id })
}

// finalRedirect adds the issuer to the authorization response (RFC 9207), which the library does not, and applies faults.
func (a *Authority) finalRedirect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := ""
		if r.URL.Path == "/authorize/callback" {
			if asked, err := a.store.request(r.URL.Query().Get("id")); err == nil {
				fault = asked.decision.fault
			}
		}
		next.ServeHTTP(&redirector{ResponseWriter: w, authority: a, fault: fault}, r)
	})
}

// redirector changes the Location of a redirect.
type redirector struct {
	http.ResponseWriter
	authority *Authority
	fault     string
}

// WriteHeader implements [http.ResponseWriter].
func (w *redirector) WriteHeader(status int) {
	if to, err := url.Parse(w.Header().Get("Location")); err == nil && status/100 == 3 {
		q := to.Query()
		if q.Has("code") || q.Has("error") {
			w.Header().Set("Location", w.authority.bend(to, q, w.fault))
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (a *Authority) bend(to *url.URL, q url.Values, fault string) string {
	q.Set("iss", a.issuer)
	switch {
	case fault == "wrong_state":
		q.Set("state", "wrong")
	case fault == "wrong_issuer":
		q.Set("iss", "https://elsewhere.example")
	case fault == "no_code":
		q.Del("code")
	case strings.HasPrefix(fault, "error_"):
		q.Del("code")
		q.Set("error", strings.TrimPrefix(fault, "error_"))
	}
	to.RawQuery = q.Encode()
	return to.String()
}

// withIssuerMetadata says in the metadata that authorization responses have the issuer.
func (a *Authority) withIssuerMetadata(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &keeper{header: make(http.Header)}
		next.ServeHTTP(kept, r)
		var document map[string]any
		if err := json.Unmarshal(kept.body, &document); err != nil {
			http.Error(w, "no metadata", http.StatusInternalServerError)
			return
		}
		document["authorization_response_iss_parameter_supported"] = true
		answer(w, http.StatusOK, document)
	})
}

// keeper keeps a response.
type keeper struct {
	header http.Header
	body   []byte
}

func (k *keeper) Header() http.Header { return k.header }
func (k *keeper) WriteHeader(int)     {}
func (k *keeper) Write(p []byte) (int, error) {
	k.body = append(k.body, p...)
	return len(p), nil
}

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // fails if the client is gone
}

// tokenFaults wraps the token endpoint.
func (a *Authority) tokenFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || !a.goesWrong(r.Context(), w, a.store.faultOf(r.PostForm)) {
			next.ServeHTTP(w, r)
		}
	})
}

// faultOf finds the fault of a token request. A refresh has none: the faults are those of the first response.
func (s *store) faultOf(form url.Values) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.codes[form.Get("code")]
	if r == nil {
		r = s.devices[form.Get("device_code")]
	}
	if r == nil || !r.decision.made {
		return ""
	}
	return r.decision.fault
}

// goesWrong responds instead of the token endpoint, and says whether it did.
func (a *Authority) goesWrong(ctx context.Context, w http.ResponseWriter, fault string) bool {
	switch fault {
	case "slow":
		pause(ctx, slowness)
		return false
	case "hang":
		<-ctx.Done()
	case "token_unavailable":
		w.Header().Set("Retry-After", "30")
		http.Error(w, "closed", http.StatusServiceUnavailable)
	case "token_rate_limited":
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many", http.StatusTooManyRequests)
	case "token_garbage":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Welcome</title>"))
	case "token_huge":
		answer(w, http.StatusOK, map[string]string{"token_type": "Bearer", "access_token": strings.Repeat("x", 2<<20)})
	case "token_redirect":
		w.Header().Set("Location", a.issuer+"/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "code_refused":
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	case "client_refused":
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	default:
		return false
	}
	return true
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// revokeFaults wraps the revocation endpoint.
func (a *Authority) revokeFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil && a.store.revokeFails(r.PostForm.Get("token")) {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *store) revokeFails(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refreshs[token]
	return r != nil && r.grant.fault == faultRevokeFails
}

// resource wraps userinfo. Its responses are those of RFC 6750 §3.1: 401 for an invalid token, where the library sends 403.
func (a *Authority) resource(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if a.store.accountFails(a.accessID(token)) {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(&resourceWriter{ResponseWriter: w}, r)
	})
}

// accessID opens an access token, which the library has sealed.
func (a *Authority) accessID(token string) string {
	plain, err := a.provider.Crypto().Decrypt(token)
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(plain, ":")
	return id
}

func (s *store) accountFails(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accesses[id]
	if a == nil {
		return false
	}
	first := !a.asked
	a.asked = true
	return a.grant.fault == faultAccount || a.grant.fault == faultLate && first
}

type resourceWriter struct{ http.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *resourceWriter) WriteHeader(status int) {
	if status == http.StatusForbidden {
		status = http.StatusUnauthorized
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	w.ResponseWriter.WriteHeader(status)
}
