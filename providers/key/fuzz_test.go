package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/providers/key/catalog"
)

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"reader"}`, `{"data":{"id":9007199254740993,"name":"Ada"}}`, `{"message":{"message":"OK"}}`, `{"message":"UNAUTHORIZED"}`, `[]`, `null`, ``, "\ufeff{}",
		`{"sub":"reader-0123456789abcdef"}`,
	} {
		f.Add([]byte(seed), 200)
	}
	var calls []*call
	for _, id := range catalog.IDs() {
		s, err := catalog.Load(id)
		if err != nil {
			f.Fatal(err)
		}
		for i := range s.Credentials {
			c := &call{source: s, kind: &s.Credentials[i], values: make(map[string]string)}
			for _, need := range c.kind.Needs {
				c.values[need] = theKey
			}
			if c.values["url"] != "" {
				c.values["url"] = "https://ns.example.org"
			}
			calls = append(calls, c)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		value := decoded(body)
		for _, c := range calls {
			said := c.ruled(catalog.AtConnect, &http.Response{StatusCode: status, Header: http.Header{}}, value)
			account, known := c.account(value)
			if leaks(said) || strings.Contains(account.Label, theKey) || known && strings.Contains(account.ID, theKey) {
				t.Errorf("%q tells the key: %v, %+v", body, said, account)
			}
		}
	})
}
