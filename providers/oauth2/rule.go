package main

import (
	"slices"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

// ruled says what an error means by the source's data; nil where the data says nothing.
func (c *call) ruled(where string, status int, value any) *sdk.Error {
	for _, rule := range c.entry.Errors {
		if len(rule.At) > 0 && !slices.Contains(rule.At, where) || rule.Status != 0 && rule.Status != status || !holds(value, rule.Where) {
			continue
		}
		return errorOf(rule)
	}
	return nil
}

func errorOf(rule catalog.Rule) *sdk.Error {
	code := sdk.Code(rule.Code)
	said := &sdk.Error{Code: code, Message: rule.Text, Setting: rule.Setting}
	said.Retryable = code == sdk.SourceUnavailable || code == sdk.RateLimited
	if rule.Code == catalog.CodeExpired {
		said = &sdk.Error{
			Code: sdk.NotSupported, Message: "The access token has expired: refresh it before the check.", Retryable: true,
		}
	}
	if said.Message == "" {
		said.Message = sentences()[code]
	}
	return said
}

// sentences for rules without one.
func sentences() map[sdk.Code]string {
	return map[sdk.Code]string{
		sdk.Revoked:           "The credential is no longer valid.",
		sdk.BadConfiguration:  "The source does not accept the configuration.",
		sdk.SourceUnavailable: "The source is not available.",
		sdk.SourceError:       "The source responded with an error.",
		sdk.RateLimited:       "The source received too many requests.",
		sdk.AccessDenied:      "Authorization was denied.",
		sdk.ScopeMissing:      "The credential lacks a scope that this request needs.",
		sdk.NotSupported:      "The source cannot do this.",
	}
}

// refusedInBrowser says what an error in an authorization response means, where the source's data does.
func (c *call) refusedInBrowser(answer sdk.Callback) error {
	if answer.Get("error") == "" {
		return nil
	}
	value := make(map[string]any)
	for _, p := range answer.Parameters {
		if _, twice := value[p.Name]; !twice {
			value[p.Name] = p.Value
		}
	}
	if said := c.ruled(catalog.AtAuthorize, 0, value); said != nil {
		return said
	}
	return nil
}
