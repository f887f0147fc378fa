// Command receiver is an application that gets events at a URL, for the stories. It checks signatures in its own way.
//
//	receiver SECRET ADDR GOT
//
// It writes its address to the file ADDR, and a line for each request to the file GOT: what it answered, whether the
// signature is that of the secret in the file SECRET, and the body. The path says what it answers: /503, /410; 204 else.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(secret, addr, got string) error {
	text, err := os.ReadFile(secret)
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text)), "whsec_"))
	if err != nil {
		return err
	}
	out, err := os.Create(got)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// The name appears once the address is in it.
	if err := errors.Join(os.WriteFile(addr+".new", []byte(listener.Addr().String()), 0o600), os.Rename(addr+".new", addr)); err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: &receiver{key: key, out: out}}
	return server.Serve(listener)
}

type receiver struct {
	key []byte
	mu  sync.Mutex
	out io.Writer
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	status, err := strconv.Atoi(strings.TrimPrefix(req.URL.Path, "/"))
	if err != nil {
		status = http.StatusNoContent
	}
	_, _ = fmt.Fprintf(r.out, "%d %s %s", status, r.judge(req.Header, body), body)
	w.WriteHeader(status)
}

func (r *receiver) judge(h http.Header, body []byte) string {
	mac := hmac.New(sha256.New, r.key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if slices.Contains(strings.Fields(h.Get("webhook-signature")), want) {
		return "signed"
	}
	return "unsigned"
}
