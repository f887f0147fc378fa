package sdk

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// text makes s fit for a proto3 string, which holds UTF-8 alone: one stray byte would else fail the whole message.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func texts(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, text(s))
	}
	return out
}

func timeToWire(t Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire takes a time outside of the years 1 to 9999 as none.
func timeFromWire(in *timestamppb.Timestamp) Time {
	if in == nil || !in.IsValid() {
		return Time{}
	}
	return in.AsTime()
}

func durationToWire(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return durationpb.New(d)
}

// durationFromWire takes a negative duration as none, and one that is too long as the longest.
func durationFromWire(in *durationpb.Duration) time.Duration {
	if in == nil {
		return 0
	}
	return max(in.AsDuration(), 0)
}

func accountToWire(a Account) *providerv1.Account {
	return &providerv1.Account{Id: text(a.ID), Label: text(a.Label)}
}

func accountFromWire(in *providerv1.Account) Account {
	return Account{ID: in.GetId(), Label: in.GetLabel()}
}

func credentialToWire(c Credential) *providerv1.Credential {
	return &providerv1.Credential{
		Data:      []byte(c.Data.Reveal()),
		MediaType: text(c.MediaType),
		ExpiresAt: timeToWire(c.ExpiresAt),
	}
}

func credentialFromWire(in *providerv1.Credential) Credential {
	return Credential{
		Data:      Secret(in.GetData()),
		MediaType: in.GetMediaType(),
		ExpiresAt: timeFromWire(in.GetExpiresAt()),
	}
}

func settingsToWire(s Settings) *providerv1.Settings {
	out := &providerv1.Settings{Secrets: revealed(s.Secrets)}
	for name, value := range s.Values {
		if out.Values == nil {
			out.Values = make(map[string]string, len(s.Values))
		}
		out.Values[name] = value
	}
	return out
}

func settingsFromWire(in *providerv1.Settings) Settings {
	out := Settings{Secrets: secrets(in.GetSecrets())}
	if len(in.GetValues()) > 0 {
		out.Values = in.GetValues()
	}
	return out
}

func revealed(in map[string]Secret) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for name, value := range in {
		out[name] = value.Reveal()
	}
	return out
}

func secrets(in map[string]string) map[string]Secret {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]Secret, len(in))
	for name, value := range in {
		out[name] = Secret(value)
	}
	return out
}

func bytesOrNil(in []byte) []byte {
	if len(in) == 0 {
		return nil
	}
	return in
}
