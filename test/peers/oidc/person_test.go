package oidc_test

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

// person is a browser with one user in front of it.
type person struct {
	client *http.Client
	// callback is where the person's way ends; "" for the first page without a form.
	callback string
	// userCode is what a device shows.
	userCode string
	// denies: says no on the page of consent.
	denies bool
}

func newPerson(callback string) *person {
	jar, _ := cookiejar.New(nil) // never fails
	return &person{callback: callback, client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var (
	form  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>`)
	input = regexp.MustCompile(`<input[^>]*>`)
	name  = regexp.MustCompile(`name="([^"]+)"`)
	value = regexp.MustCompile(`value="([^"]*)"`)
	abort = regexp.MustCompile(`href="([^"]+/abort)"`)
)

// end is where a person's way ended.
type end struct {
	// callback has the parameters that a browser was sent back with, or is nil.
	callback *url.URL
	status   int
	page     string
}

// goes fills in whatever form a page has, until the browser is sent to the callback, or a page has none.
func (p *person) goes(address string) (end, error) {
	var fields url.Values
	for range 20 {
		to, e, err := p.visit(address, fields)
		fields = nil
		switch {
		case err != nil:
			return e, err
		case to != nil && p.callback != "" && strings.HasPrefix(to.String(), p.callback+"?"):
			return end{callback: to}, nil
		case to != nil:
			address = to.String()
			continue
		}
		if link := abort.FindStringSubmatch(e.page); p.denies && link != nil && !strings.Contains(e.page, `name="login"`) {
			address, err = absolute(address, link[1])
		} else {
			found := form.FindStringSubmatch(e.page)
			if found == nil {
				return e, nil
			}
			fields = p.fillsIn(found[2])
			address, err = absolute(address, html.UnescapeString(found[1]))
		}
		if err != nil {
			return e, err
		}
	}
	return end{}, errors.New("the pages do not end")
}

func (p *person) fillsIn(form string) url.Values {
	fields := url.Values{}
	for _, tag := range input.FindAllString(form, -1) {
		if n := name.FindStringSubmatch(tag); n != nil {
			fields.Set(n[1], "")
			if v := value.FindStringSubmatch(tag); v != nil {
				fields.Set(n[1], html.UnescapeString(v[1]))
			}
		}
	}
	for field, typed := range map[string]string{"login": "anna", "password": "any", "user_code": p.userCode} {
		if fields.Has(field) && fields.Get(field) == "" {
			fields.Set(field, typed)
		}
	}
	return fields
}

func absolute(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func (p *person) visit(address string, fields url.Values) (*url.URL, end, error) {
	method := http.MethodGet
	if fields != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, end{}, err
	}
	if fields != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, end{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, end{}, err
	}
	to, _ := resp.Location() // no redirect: nil
	return to, end{status: resp.StatusCode, page: string(body)}, nil
}

// browse is this binary in the place of a browser: it goes to an address and on, and fails where the last page is an
// error.
func browse(address string) error {
	e, err := newPerson("").goes(address)
	if err == nil && e.status != http.StatusOK {
		err = fmt.Errorf("the last page is %d", e.status)
	}
	return err
}
