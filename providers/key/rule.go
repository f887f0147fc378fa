package main

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// rules are those of the credential and of the source, in their order.
func (c *call) rules() []catalog.Rule { return slices.Concat(c.kind.Errors, c.source.Errors) }

// ruled says what an answer means by the source's data; nil where the data says nothing.
func (c *call) ruled(where string, resp *http.Response, value any) error {
	for _, rule := range c.rules() {
		if rule.Unexpected || len(rule.At) > 0 && !slices.Contains(rule.At, where) ||
			len(rule.Status) > 0 && !slices.Contains(rule.Status, resp.StatusCode) || !holds(value, rule.Where) {
			continue
		}
		return c.after(resp, c.meaning(where, rule))
	}
	return nil
}

// unexpected says what an answer means that is not what the source sends.
func (c *call) unexpected(where string) error {
	for _, rule := range c.rules() {
		if rule.Unexpected && (len(rule.At) == 0 || slices.Contains(rule.At, where)) {
			return c.meaning(where, rule)
		}
	}
	return &sdk.Error{Code: sdk.SourceError, Message: "The source sent an unexpected response."}
}

// refusedStatus says what a status means of which the data says nothing.
func (c *call) refusedStatus(where string, resp *http.Response) error {
	rule := catalog.Rule{Code: string(sdk.SourceError), Text: "The source sent an unexpected response."}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		rule = catalog.Rule{Code: string(sdk.InvalidInput), Field: c.secret(), Text: "The source does not accept the credential."}
	case status == http.StatusForbidden:
		rule = catalog.Rule{Code: string(sdk.AccessDenied)}
	case status == http.StatusTooManyRequests:
		rule = catalog.Rule{Code: string(sdk.RateLimited)}
	case status >= http.StatusInternalServerError:
		rule = catalog.Rule{Code: string(sdk.SourceUnavailable)}
	}
	return c.after(resp, c.meaning(where, rule))
}

// secret is the input that the credential is, or its last one.
func (c *call) secret() (id string) {
	for _, id = range c.kind.Needs {
		if in, _ := c.source.Input(id); in.Kind == catalog.KindSecret {
			return id
		}
	}
	return id
}

// meaning is the error of a rule. What is an invalid input of a person while connecting is a bad configuration where a
// setting has it. Later, where nobody types, it is a credential that is no longer valid; another input that does not do any
// more, such as an address, ends nothing.
func (c *call) meaning(where string, rule catalog.Rule) *sdk.Error {
	said := &sdk.Error{Code: sdk.Code(rule.Code), Message: rule.Text, Field: rule.Field}
	if said.Code == sdk.InvalidInput {
		in, _ := c.source.Input(rule.Field)
		switch {
		case where == catalog.AtConnect && c.set[rule.Field] == "":
		case where == catalog.AtConnect:
			said.Field, said.Setting, said.Code = "", rule.Field, sdk.BadConfiguration
		case in.Kind == catalog.KindSecret:
			said.Field, said.Code = "", sdk.Revoked
		default:
			said.Field, said.Code = "", sdk.SourceError
		}
	}
	said.Retryable = said.Code == sdk.SourceUnavailable || said.Code == sdk.RateLimited
	if said.Message == "" {
		said.Message = sentences()[said.Code]
	}
	return said
}

// after adds to an error when to try again, as the header of RFC 9110 §10.2.3 has it; a day at most.
func (c *call) after(resp *http.Response, said *sdk.Error) error {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if said.Retryable && err == nil && seconds > 0 {
		said.RetryAfter = time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	return said
}

// sentences for rules without one.
func sentences() map[sdk.Code]string {
	return map[sdk.Code]string{
		sdk.InvalidInput:      "The source does not accept what was typed.",
		sdk.Revoked:           "The credential is no longer valid.",
		sdk.AccessDenied:      "The source denied access.",
		sdk.ScopeMissing:      "The credential lacks a permission that this request needs.",
		sdk.RateLimited:       "The source received too many requests.",
		sdk.SourceUnavailable: "The source is not available.",
		sdk.SourceError:       "The source responded with an error.",
		sdk.NotSupported:      "The source cannot do this.",
	}
}
