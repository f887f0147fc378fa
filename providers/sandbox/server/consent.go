package main

import (
	"context"
	"errors"
	"flag"
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

const (
	// consentLimit bounds a whole visit: the last redirect waits for the program that receives it.
	consentLimit = time.Minute
	pageLimit    = 1 << 20
)

// hidden finds the id of our consent page; title and text what any other page says.
var (
	hidden  = regexp.MustCompile(`<input type="hidden" name="id" value="([^"]+)">`)
	checked = regexp.MustCompile(`name="scope" value="([^"]+)" checked`)
	title   = regexp.MustCompile(`<h1[^>]*>([^<]+)</h1>`)
	text    = regexp.MustCompile(`<p>([^<]+)</p>`)
	// failed is the title of a program's last page if the connect failed.
	failed = regexp.MustCompile(`\bnot connected\b`)
)

// consent visits a URL as a person would: it follows redirects to the consent page of this server, submits the form, and
// follows the redirect URI. So BROWSER can name it where there is no person. It fails if the last page reports a failure.
func consent(ctx context.Context, args []string, errs io.Writer) error {
	flags := flag.NewFlagSet("humanconnect-sandbox consent", flag.ContinueOnError)
	flags.SetOutput(errs)
	user := flags.String("username", "demouser", "who signs in")
	password := flags.String("password", "password", "the password; it is no secret")
	fault := flags.String("fault", "none", "what should happen, as the page offers it")
	decision := flags.String("decision", "allow", "allow or deny")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("consent: missing the URL to visit")
	}
	ctx, cancel := context.WithTimeout(ctx, consentLimit)
	defer cancel()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	page, err := visit(ctx, client, http.MethodGet, flags.Arg(0), nil)
	if err != nil {
		return err
	}
	id := hidden.FindStringSubmatch(page.body)
	if id == nil {
		return errors.New("consent: the URL is not a consent page of this server")
	}
	form := url.Values{
		"id": {id[1]}, "username": {*user}, "password": {*password}, "fault": {*fault}, "decision": {*decision},
	}
	for _, scope := range checked.FindAllStringSubmatch(page.body, -1) {
		form.Add("scope", scope[1])
	}
	target := page.at.ResolveReference(&url.URL{Path: "/consent"})
	last, err := visit(ctx, client, http.MethodPost, target.String(), form)
	switch {
	case err != nil:
		return err
	case hidden.MatchString(last.body):
		return errors.New("consent: the page rejected the form")
	}
	return last.failure()
}

// found is a page, and where it was found.
type found struct {
	at     *url.URL
	status int
	body   string
}

// failure returns the failure that a page reports, or nil.
func (f found) failure() error {
	says := title.FindStringSubmatch(f.body)
	if f.status < http.StatusBadRequest && (says == nil || !failed.MatchString(says[1])) {
		return nil
	}
	if says == nil {
		return fmt.Errorf("consent: the last page is an error: %s", http.StatusText(f.status))
	}
	words := says[1]
	if more := text.FindStringSubmatch(f.body); more != nil {
		words += ". " + more[1]
	}
	return fmt.Errorf("consent: the last page says: %s", html.UnescapeString(words))
}

// visit gets a page.
func visit(ctx context.Context, client *http.Client, method, address string, form url.Values) (found, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if form != nil {
		req, err = http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	}
	if err != nil {
		return found{}, errors.New("consent: invalid URL")
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		return found{}, fmt.Errorf("consent: %w", withoutAddress(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, pageLimit))
	if err != nil {
		return found{}, fmt.Errorf("consent: %w", err)
	}
	return found{at: resp.Request.URL, status: resp.StatusCode, body: string(body)}, nil
}

// withoutAddress removes the URL from the error of a request; it contains a state.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
