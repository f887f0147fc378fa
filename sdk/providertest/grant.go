package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// grants uses a credential as far as the source can, and takes it away.
func (e *examination) grants(ctx context.Context, j Journey, done sdk.Connected) {
	e.asked = nil
	req := &sdk.CredentialRequest{Source: j.Source, Settings: j.Settings, Account: done.Account, Credential: done.Credential}
	e.keeps(req.Credential)
	foreign := *req
	foreign.Credential = sdk.Credential{Data: "\x00\xff garbage", MediaType: "application/octet-stream"}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityCheck) {
		_ = e.checks(ctx, &foreign)
		e.succeeds("check", e.checks(ctx, req))
	}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityRefresh) {
		_, _ = e.refreshes(ctx, &foreign)
		refreshed, err := e.refreshes(ctx, req)
		if e.succeeds("refresh", err); err == nil {
			req.Credential = refreshed.Credential
			e.keeps(req.Credential)
			if slices.Contains(e.source.Capabilities, sdk.CapabilityCheck) {
				e.succeeds("check of what was refreshed", e.checks(ctx, req))
			}
		}
	}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityRevoke) {
		_ = e.disconnects(ctx, &foreign)
		e.succeeds("disconnect", e.disconnects(ctx, req))
		err := e.disconnects(ctx, req)
		if no := (*sdk.Error)(nil); errors.As(err, &no) && no.Code == sdk.Revoked {
			err = nil // as good as revoked
		}
		e.succeeds("a second disconnect", err)
	}
}

func (e *examination) succeeds(what string, err error) {
	if no := (*sdk.Error)(nil); errors.As(err, &no) {
		e.wrong("%s: %s: %s", e.source.ID, what, no)
	}
}

// keeps looks at a credential.
func (e *examination) keeps(c sdk.Credential) {
	e.secrets = append(e.secrets, c.Data.Reveal())
	if c.Data == "" {
		e.wrong("%s: the credential is empty", e.source.ID)
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(time.Now()) {
		e.wrong("%s: the credential has expired already", e.source.ID)
	}
	if c.MediaType != sdk.MediaTypeOAuth2 {
		return
	}
	var tokens struct {
		Access string `json:"access_token"`
		Type   string `json:"token_type"`
	}
	if json.Unmarshal([]byte(c.Data.Reveal()), &tokens) != nil || tokens.Access == "" || tokens.Type == "" {
		e.wrong("%s: the credential is not what its media type says", e.source.ID)
	}
}

func (e *examination) checks(ctx context.Context, req *sdk.CredentialRequest) error {
	return e.call(ctx, e.source.ID+": check", grantLimit, func(ctx context.Context, c *host.Client) error {
		return c.Check(ctx, req)
	})
}

func (e *examination) refreshes(ctx context.Context, req *sdk.CredentialRequest) (refreshed *sdk.Refreshed, err error) {
	err = e.call(ctx, e.source.ID+": refresh", grantLimit, func(ctx context.Context, c *host.Client) error {
		refreshed, err = c.Refresh(ctx, req)
		return err
	})
	return refreshed, err
}

func (e *examination) disconnects(ctx context.Context, req *sdk.CredentialRequest) error {
	return e.call(ctx, e.source.ID+": disconnect", grantLimit, func(ctx context.Context, c *host.Client) error {
		return c.Disconnect(ctx, req)
	})
}
