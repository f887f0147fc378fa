package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// account says whose account a token is for, and makes the calls that come before a source is connected. The standard
// engine calls it again later where the source does not answer, so all of it may be repeated.
func (c *call) account(ctx context.Context, _ *http.Client, token oauth2.Token) (sdk.Account, error) {
	c.recallAnswer(token)
	value, err := c.person(ctx, catalog.AtAccount, token)
	if err != nil {
		return sdk.Account{}, err
	}
	var who sdk.Account
	if c.entry.Account.From != catalog.FromNothing {
		who = sdk.Account{ID: text(at(value, c.entry.Account.ID)), Label: labelOf(value, c.entry.Account.Label)}
		if who.ID == "" { // an account that is not known is not the same as another one that is not
			return sdk.Account{}, &sdk.Error{Code: sdk.SourceError, Message: "The source does not say whose account it is."}
		}
		if authority := c.entry.Account.Authority; authority != "" {
			who.ID = authority + "|" + who.ID
		}
		c.values["account_id"] = who.ID
	}
	if err := c.readGranted(ctx, token); err != nil {
		return sdk.Account{}, err
	}
	for _, call := range c.entry.AfterConnect {
		if _, err := c.ask(ctx, catalog.AtAfterConnect, call, token); err != nil {
			return sdk.Account{}, err
		}
	}
	return who, nil
}

// recallAnswer takes what read left in the answer, which may have been in an earlier call.
func (c *call) recallAnswer(token oauth2.Token) {
	if n, ok := token.Extra(memberLifetime).(json.Number); ok {
		c.old.Lifetime, _ = n.Int64() // 0 for what is none
	}
	if written, ok := token.Extra(memberReconnect).(string); ok {
		if at, err := time.Parse(time.RFC3339, written); err == nil {
			c.old.ReconnectBy = &at
		}
	}
}

// person is the JSON value that says who the person is.
func (c *call) person(ctx context.Context, where string, token oauth2.Token) (any, error) {
	switch how := c.entry.Account; how.From {
	case catalog.FromEndpoint:
		return c.ask(ctx, where, how.Call, token)
	case catalog.FromUserinfo:
		return c.ask(ctx, where, catalog.Call{URL: c.entry.UserinfoEndpoint}, token)
	case catalog.FromIDToken:
		raw, _ := token.Extra("id_token").(string)
		return claims(raw), nil
	case catalog.FromAccessToken:
		return claims(token.Access.Reveal()), nil
	case catalog.FromTokenResponse:
		return response(token, append([]string{"{" + how.ID + "}"}, how.Label...)), nil
	}
	return nil, nil
}

// response has those members of a token response that templates name.
func response(token oauth2.Token, templates []string) any {
	members := make(map[string]any)
	for _, template := range templates {
		for _, m := range member().FindAllStringSubmatch(template, -1) {
			first := firstOf(m[1])
			members[first] = token.Extra(first)
		}
	}
	return members
}

func firstOf(path string) string {
	for i := range path {
		if path[i] == '.' {
			return path[:i]
		}
	}
	return path
}

// readGranted asks which scopes were granted, where the source says it at an endpoint of its own.
func (c *call) readGranted(ctx context.Context, token oauth2.Token) error {
	how := c.entry.Granted
	if how.From != catalog.FromEndpoint {
		return nil
	}
	value, err := c.ask(ctx, catalog.AtAccount, how.Call, token)
	if err != nil {
		return err
	}
	c.granted = []string{}
	for _, path := range append([]string{""}, how.Paths...) {
		if list, ok := at(value, path).([]any); ok {
			c.granted = append(c.granted, scopesOf(list)...)
			return nil
		}
	}
	return unexpected()
}

// works asks the source whether a token still works.
func (c *call) works(ctx context.Context, _ *http.Client, token oauth2.Token) error {
	if c.entry.Check != nil {
		_, err := c.ask(ctx, catalog.AtCheck, *c.entry.Check, token)
		return err
	}
	value, err := c.person(ctx, catalog.AtCheck, token)
	if err == nil && text(at(value, c.entry.Account.ID)) == "" {
		return unexpected()
	}
	return err
}

// revoke ends a grant at a source without RFC 7009.
func (c *call) revoke(ctx context.Context, _ *http.Client, token oauth2.Token) error {
	if c.values["account_id"] == "" && c.entry.Account.From == catalog.FromTokenResponse {
		value, _ := c.person(ctx, catalog.AtRevoke, token)
		c.values["account_id"] = text(at(value, c.entry.Account.ID))
	}
	_, err := c.ask(ctx, catalog.AtRevoke, c.entry.Revocation.Call, token)
	return err
}
