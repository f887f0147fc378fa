package sdk

import (
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// withoutSecrets replaces every secret in s, also where it stands quoted or escaped as in the error of a URL.
func withoutSecrets(s string, secret []string) string {
	var old []string
	for _, v := range secret {
		if v == "" {
			continue
		}
		quoted := strconv.Quote(v)
		old = append(old, v, quoted[1:len(quoted)-1], url.QueryEscape(v), url.PathEscape(v))
	}
	// The longest first, so that a secret which is part of another leaves nothing of it.
	sort.Slice(old, func(i, j int) bool { return len(old[i]) > len(old[j]) })
	pairs := make([]string, 0, 2*len(old))
	for _, v := range old {
		pairs = append(pairs, v, redacted)
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

func secretsOfConnect(in *providerv1.ConnectRequest) []string {
	out := append(secretsOfSettings(in.GetSettings()), string(in.GetResume()), in.GetOauthState())
	for _, v := range in.GetForm().GetValues() {
		out = append(out, v)
	}
	for _, p := range in.GetCallback().GetParameters() {
		out = append(out, p.GetValue())
	}
	return append(out, in.GetExpected().GetId(), in.GetExpected().GetLabel())
}

func secretsOfCredentialRequest(in credentialRequestOnWire) []string {
	out := append(secretsOfSettings(in.GetSettings()), string(in.GetCredential().GetData()))
	return append(out, in.GetAccount().GetId(), in.GetAccount().GetLabel())
}

func secretsOfSettings(in *providerv1.Settings) []string {
	var out []string
	for _, v := range in.GetSecrets() {
		out = append(out, v)
	}
	return out
}
