package providertest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// exerciseCredential checks, refreshes and revokes a credential, as the capabilities of the source allow.
func (e *examination) exerciseCredential(ctx context.Context, j Journey, done sdk.Connected) {
	e.asked = nil
	req := &sdk.CredentialRequest{Source: j.Source, Settings: j.Settings, Account: done.Account, Credential: done.Credential}
	e.inspectCredential(req.Credential)
	foreign := *req
	foreign.Credential = sdk.Credential{Data: "\x00\xff garbage", MediaType: "application/octet-stream"}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityCheck) {
		_ = e.callCheck(ctx, &foreign)
		e.expectSuccess("check", e.callCheck(ctx, req))
	}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityRefresh) {
		_, _ = e.callRefresh(ctx, &foreign)
		refreshed, err := e.callRefresh(ctx, req)
		if e.expectSuccess("refresh", err); err == nil {
			req.Credential = refreshed.Credential
			e.inspectCredential(req.Credential)
			if slices.Contains(e.source.Capabilities, sdk.CapabilityCheck) {
				e.expectSuccess("check of what was refreshed", e.callCheck(ctx, req))
			}
		}
	}
	if slices.Contains(e.source.Capabilities, sdk.CapabilityRevoke) {
		_ = e.callDisconnect(ctx, &foreign)
		e.expectSuccess("disconnect", e.callDisconnect(ctx, req))
		err := e.callDisconnect(ctx, req)
		if refusal := (*sdk.Error)(nil); errors.As(err, &refusal) && refusal.Code == sdk.Revoked {
			err = nil // as good as revoked
		}
		e.expectSuccess("a second disconnect", err)
	}
}

func (e *examination) expectSuccess(what string, err error) {
	if refusal := (*sdk.Error)(nil); errors.As(err, &refusal) {
		e.fail("%s: %s: %s", e.source.ID, what, refusal)
	}
}

// inspectCredential checks a credential, and keeps its secret.
func (e *examination) inspectCredential(c sdk.Credential) {
	e.secrets = append(e.secrets, c.Data.Reveal())
	if wrong := host.CheckCredential(c, time.Now()); wrong != "" {
		e.fail("%s: %s", e.source.ID, wrong)
	}
}

func (e *examination) callCheck(ctx context.Context, req *sdk.CredentialRequest) error {
	return e.call(ctx, e.source.ID+": check", credentialLimit, func(ctx context.Context, c *host.Client) error {
		return c.Check(ctx, req)
	})
}

func (e *examination) callRefresh(ctx context.Context, req *sdk.CredentialRequest) (refreshed *sdk.Refreshed, err error) {
	err = e.call(ctx, e.source.ID+": refresh", credentialLimit, func(ctx context.Context, c *host.Client) error {
		refreshed, err = c.Refresh(ctx, req)
		return err
	})
	return refreshed, err
}

func (e *examination) callDisconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	return e.call(ctx, e.source.ID+": disconnect", credentialLimit, func(ctx context.Context, c *host.Client) error {
		return c.Disconnect(ctx, req)
	})
}
