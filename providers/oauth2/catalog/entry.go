// Package catalog has the OAuth 2.0 sources as data: one file ID.yaml for each, checked against catalog.schema.json. Keys
// are named as RFC 8414 and RFC 7591 name them; what a source does otherwise than the RFCs stands in groups of its own. The
// schema says what each key means.
package catalog

import (
	"strings"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

// Entry is a source, with the fields of its variant where it has one.
type Entry struct {
	ID            string    `yaml:"id"`
	Name          string    `yaml:"name"`
	Group         string    `yaml:"group"`
	Programme     Programme `yaml:"programme"`
	Confidence    string    `yaml:"confidence"`
	Documentation string    `yaml:"documentation"`
	Notes         []string  `yaml:"notes"`
	Redirect      string    `yaml:"redirect"`

	Issuer                string   `yaml:"issuer"`
	AuthorizationEndpoint string   `yaml:"authorization_endpoint"`
	TokenEndpoint         string   `yaml:"token_endpoint"`
	RevocationEndpoint    string   `yaml:"revocation_endpoint"`
	UserinfoEndpoint      string   `yaml:"userinfo_endpoint"`
	ScopesSupported       []string `yaml:"scopes_supported"`
	// The authentication methods are of RFC 7591 §2, and the algorithm is that of private_key_jwt.
	TokenEndpointAuthMethod           string   `yaml:"token_endpoint_auth_method"`
	TokenEndpointAuthMethodsSupported []string `yaml:"token_endpoint_auth_methods_supported"`
	TokenEndpointAuthSigningAlg       string   `yaml:"token_endpoint_auth_signing_alg"`
	RevocationEndpointAuthMethod      string   `yaml:"revocation_endpoint_auth_method"`

	Scopes        Scopes        `yaml:"scopes"`
	PKCE          string        `yaml:"pkce"`
	Authorization Parameters    `yaml:"authorization_request"`
	TokenRequest  TokenRequest  `yaml:"token_request"`
	TokenResponse TokenResponse `yaml:"token_response"`
	Refresh       Refresh       `yaml:"refresh"`
	Account       Account       `yaml:"account"`
	Granted       Granted       `yaml:"granted_scopes"`
	Check         *Call         `yaml:"check"`
	AfterConnect  []Call        `yaml:"after_connect"`
	Revocation    *Revocation   `yaml:"revocation"`
	ErrorCode     []string      `yaml:"error_code"`
	Errors        []Rule        `yaml:"errors"`
	Inputs        []Input       `yaml:"inputs"`
}

// Programme says who may register a client, and until when the source exists.
type Programme struct {
	Status string `yaml:"status"`
	Text   string `yaml:"text"`
	Dates  []Date `yaml:"dates"`
}

// Retired says whether the source no longer exists.
func (p Programme) Retired() bool { return p.Status == StatusRetired }

// StatusRetired is the status of a programme that has ended.
const StatusRetired = "retired"

// Date is a day on which something changes.
type Date struct {
	Date string `yaml:"date"`
	Text string `yaml:"text"`
}

// Scopes are those that are asked for, and how.
type Scopes struct {
	Default   []string `yaml:"default"`
	Separator string   `yaml:"separator"`
	Parameter string   `yaml:"parameter"`
	Omit      bool     `yaml:"omit"`
}

// Values of PKCE. Without one it is sent: servers ignore parameters that they do not know (RFC 6749 §3.1).
const (
	PKCERequired    = "required"
	PKCEUnsupported = "unsupported"
)

// Parameters are further ones of a request. Their values may have {placeholders}.
type Parameters struct {
	Extra  map[string]string `yaml:"parameters"`
	Rename map[string]string `yaml:"rename"`
}

// TokenRequest is how a request for a token differs from RFC 6749 §4.1.3.
type TokenRequest struct {
	Parameters `yaml:",inline"`
	Method     string            `yaml:"method"`
	In         string            `yaml:"parameters_in"`
	Omit       []string          `yaml:"omit"`
	Headers    map[string]string `yaml:"headers"`
}

// TokenResponse is how an answer differs from RFC 6749 §5.1.
type TokenResponse struct {
	Root    string              `yaml:"root"`
	Success map[string]string   `yaml:"success"`
	Members map[string][]string `yaml:"members"`
	// ExpiresAt is where the instant of the expiry is, in Unix seconds.
	ExpiresAt        string `yaml:"expires_at"`
	RefreshExpiresIn string `yaml:"refresh_token_expires_in"`
	ConsentExpiresAt string `yaml:"consent_expires_at"`
}

// Refresh is how tokens are renewed.
type Refresh struct {
	Token        string `yaml:"refresh_token"`
	Rotation     string `yaml:"rotation"`
	Endpoint     string `yaml:"endpoint"`
	Extends      bool   `yaml:"extends"`
	TokenRequest `yaml:",inline"`
}

// Values of Refresh.Token: never given, or given with one scope alone.
const (
	RefreshNever = "never"
)

// Account is where it is said whose account it is.
type Account struct {
	From string `yaml:"from"`
	Call `yaml:",inline"`
	ID   string `yaml:"id"`
	// Authority is the base URL that the id is of. It is a part of the account: AUTHORITY|ID.
	Authority string   `yaml:"authority"`
	Label     []string `yaml:"label"`
}

// Values of Account.From.
const (
	FromTokenResponse = "token_response"
	FromEndpoint      = "endpoint"
	FromUserinfo      = "userinfo"
	FromIDToken       = "id_token"
	FromAccessToken   = "access_token"
	FromNothing       = "nothing"
)

// FromCallback is the value of Granted.From for a parameter scope of the authorization response.
const FromCallback = "callback"

// Granted is where the granted scopes are said, where it is not the token response.
type Granted struct {
	From  string `yaml:"from"`
	Call  `yaml:",inline"`
	Paths []string `yaml:"paths"`
}

// Call is a request beside OAuth. Its values may have {placeholders}.
type Call struct {
	Method         string            `yaml:"method"`
	URL            string            `yaml:"url"`
	Authentication string            `yaml:"authentication"`
	Headers        map[string]string `yaml:"headers"`
	Query          map[string]string `yaml:"query"`
	Form           map[string]string `yaml:"form"`
	JSON           map[string]string `yaml:"json"`
	Success        map[string]string `yaml:"success"`
	Done           []int             `yaml:"done"`
	Signature      *Signature        `yaml:"signature"`
}

// The authentications of a Call beside those of RFC 7591.
const (
	AuthBearer = "bearer"
	AuthNone   = "none"
	AuthBasic  = "client_secret_basic"
	AuthPost   = "client_secret_post"
	AuthKey    = "private_key_jwt"
)

// Revocation is one that is not RFC 7009.
type Revocation struct {
	Call `yaml:",inline"`
}

// Rule says what an error of the source means. All of its conditions have to hold.
type Rule struct {
	At      []string          `yaml:"at"`
	Status  int               `yaml:"status"`
	Where   map[string]string `yaml:"where"`
	Code    string            `yaml:"code"`
	Setting string            `yaml:"setting"`
	Text    string            `yaml:"text"`
}

// CodeExpired is a Rule.Code beside those of humanconnect: the access token has to be refreshed.
const CodeExpired = "expired"

// Places where an error can come, for Rule.At.
const (
	AtAuthorize    = "authorize"
	AtExchange     = "exchange"
	AtRefresh      = "refresh"
	AtAccount      = "account"
	AtCheck        = "check"
	AtRevoke       = "revoke"
	AtAfterConnect = "after_connect"
)

// Input is what a person, or a setting, has to give before a source can be connected: a part of its addresses.
type Input struct {
	ID      string `yaml:"id"`
	Label   string `yaml:"label"`
	Help    string `yaml:"help"`
	Kind    string `yaml:"kind"`
	Pattern string `yaml:"pattern"`
}

// InputURL is the kind of an input that is a whole https URL.
const InputURL = "url"

// Take checks what a person, or a setting, gives for an input.
func (i Input) Take(text string) (string, error) {
	if i.Kind != InputURL {
		return endpoint.Part(text, i.Pattern)
	}
	u, err := endpoint.TypedURL(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	return u.String(), nil
}
