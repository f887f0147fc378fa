package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

func TestSecretsOfARequestAreNotReported(t *testing.T) {
	in := &providerv1.ConnectRequest{
		Settings:   &providerv1.Settings{Secrets: map[string]string{"client_secret": "s3cr3t/+ &"}},
		OauthState: "state-0",
		Resume:     []byte("verifier-1"),
		Reply: &providerv1.ConnectRequest_Form{
			Form: &providerv1.FormValues{Values: map[string]string{"password": "pass\"word", "short": "pass"}},
		},
	}
	text := `post https://x/?s=s3cr3t%2F%2B+%26&v=verifier-1: "pass\"word" s3cr3t/+ & state-0 pass"word: refused`
	var log bytes.Buffer
	s := &server{log: &log}
	s.report("connect", errors.New(text), secretsOfConnect(in))
	want := `connect: unexpected error: post https://x/?s=[secret]&v=[secret]: "[secret]" [secret] [secret] [secret]: refused` + "\n"
	if log.String() != want {
		t.Errorf("reported %q, want %q", log.String(), want)
	}

	log.Reset()
	grant := &providerv1.CheckRequest{
		Account:    &providerv1.Account{Id: "acc-7", Label: "Jo Doe"},
		Credential: &providerv1.Credential{Data: []byte("cred-9")},
	}
	s.report("check", errors.New("acc-7 of Jo Doe with cred-9: gone"), secretsOfCredentialRequest(grant))
	if want := "check: unexpected error: [secret] of [secret] with [secret]: gone\n"; log.String() != want {
		t.Errorf("reported %q, want %q", log.String(), want)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	s := Secret("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", FormValues{Values: map[string]Secret{"p": s}})
	encoded, err := json.Marshal(Credential{Data: s})
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %s %q %x %d %#v %+v %v", s, s, s, s, s, s, Credential{Data: s}, &s)
	for _, out := range []string{log.String(), string(encoded), printed} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, "68756e74657232") {
			t.Errorf("the secret is in %s", out)
		}
	}
}
