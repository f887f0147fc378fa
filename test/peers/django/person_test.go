package django_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	input = regexp.MustCompile(`<input[^>]*>`)
	name  = regexp.MustCompile(`name="([^"]+)"`)
	value = regexp.MustCompile(`value="([^"]*)"`)
)

// visit goes to an authorization URL as a person with a browser who signs in, and allows or denies. It returns where the
// browser is sent back to, beyond the server.
func visit(address string, allows bool) (*url.URL, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	var fields url.Values
	for range 10 {
		to, page, err := load(browser, address, fields)
		switch {
		case err != nil:
			return nil, err
		case to != nil && !strings.HasPrefix(address, to.Scheme+"://"+to.Host+"/"):
			return to, nil
		case to != nil:
			address, fields = to.String(), nil
		default:
			fields = fill(page, allows)
		}
	}
	return nil, errors.New("the pages do not end")
}

// load gets a page, or posts a form, and returns where it leads or what it shows.
func load(browser *http.Client, address string, fields url.Values) (to *url.URL, page string, err error) {
	method := http.MethodGet
	if fields != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, "", err
	}
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	if to, err = resp.Location(); err == nil {
		return to, "", nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("a page with status %d", resp.StatusCode)
	}
	return nil, string(body), nil
}

// fill fills in the form of a page.
func fill(page string, allows bool) url.Values {
	fields := url.Values{}
	for _, tag := range input.FindAllString(page, -1) {
		field := name.FindStringSubmatch(tag)
		if field == nil || field[1] == "allow" && !allows {
			continue
		}
		fields.Set(field[1], "")
		if v := value.FindStringSubmatch(tag); v != nil {
			fields.Set(field[1], html.UnescapeString(v[1]))
		}
	}
	for field, typed := range map[string]string{"username": "anna", "password": "any"} {
		if fields.Has(field) {
			fields.Set(field, typed)
		}
	}
	return fields
}
