package main

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// startNightscout starts a Nightscout site on loopback that knows one access token, of the subject reader, and one API_SECRET.
// It answers as its source does: https://github.com/nightscout/cgm-remote-monitor, lib/api/verifyauth.js and
// lib/authorization/endpoints.js.
func startNightscout(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: nightscout NAME TOKEN API_SECRET")
	}
	hash := sha1.Sum([]byte(args[2]))
	site := http.NewServeMux()
	site.HandleFunc("GET /api/v2/authorization/request/{token}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("token") != args[1] {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"status":401,"message":"Unauthorized","description":"Invalid/Missing"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"token":"header.payload.signature","sub":"reader","permissionGroups":[["*:*:read"]],"iat":1565039731,"exp":1565043331}`)
	})
	site.HandleFunc("GET /api/v1/verifyauth", func(w http.ResponseWriter, r *http.Request) {
		said := "UNAUTHORIZED"
		if r.Header.Get("api-secret") == hex.EncodeToString(hash[:]) {
			said = "OK"
		}
		_, _ = fmt.Fprintf(w, `{"status":200,"message":{"canRead":true,"message":%q,"rolefound":"NOTFOUND"}}`, said)
	})
	server := httptest.NewServer(site)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}
