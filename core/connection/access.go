package connection

import (
	"context"
	"encoding/json"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// CodeOpaque: the credential is of a media type that is not given out.
const CodeOpaque problem.Code = "credential_opaque"

// Access is what an application needs to call a source: an access token, or the fields of another credential.
type Access struct {
	Held
	// Token and TokenType are set for a credential of [sdk.MediaTypeOAuth2].
	Token     sdk.Secret
	TokenType string
	// Fields are set for one of [sdk.MediaTypeFields].
	Fields map[string]sdk.Secret
}

// Access returns a credential that is valid for a while; see [Refresher.Valid], whose errors it has. [CodeOpaque] is that of a
// credential that is neither an access token nor fields, which is not refreshed either.
func (f *Refresher) Access(ctx context.Context, con id.Connection, atLeast time.Duration) (Access, error) {
	c, err := f.load(ctx, con)
	if err != nil {
		return Access{}, err
	}
	if c.MediaType != sdk.MediaTypeOAuth2 && c.MediaType != sdk.MediaTypeFields {
		return Access{}, problem.New(CodeOpaque, "the credential is no OAuth token and has no fields, so that it is not given out").
			Hint("ask the author of its provider for credentials of the media type %s", sdk.MediaTypeFields)
	}
	held, err := f.Valid(ctx, con, atLeast)
	if err != nil {
		return Access{}, err
	}
	return accessOf(held)
}

func accessOf(h Held) (Access, error) {
	out := Access{Held: h}
	data := h.Connection.Credential
	var token struct {
		Access string `json:"access_token"`
		Type   string `json:"token_type"`
	}
	var fields map[string]string
	bad := problem.New(CodeOpaque, "the credential is not what its media type %s says", h.Connection.MediaType).
		Hint("connect it again: humanconnect open --connect %s", h.Connection.ID)
	switch h.Connection.MediaType {
	case sdk.MediaTypeOAuth2:
		if json.Unmarshal(data, &token) != nil || token.Access == "" {
			return Access{}, bad
		}
		out.Token, out.TokenType = sdk.Secret(token.Access), token.Type
	default:
		if json.Unmarshal(data, &fields) != nil || len(fields) == 0 {
			return Access{}, bad
		}
		out.Fields = make(map[string]sdk.Secret, len(fields))
		for name, value := range fields {
			out.Fields[name] = sdk.Secret(value)
		}
	}
	return out, nil
}

// Short says whether a credential ends before the time that it was asked for.
func (a Access) Short(atLeast time.Duration, now time.Time) bool {
	end := a.Connection.CredentialExpiresAt
	return !end.IsZero() && end.Sub(now) < atLeast
}
