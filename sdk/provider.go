package sdk

import "context"

// Provider connects one or many sources. Its methods are called concurrently, each with a context that ends at the
// caller's limit: 5 s for Describe, 60 s for Connect, 30 s for the others.
//
// An error of the source is returned as an [*Error]. Any other error reaches the person as source_error.
type Provider interface {
	// Describe returns the sources and what they can do. It is pure: no network, no files, always the same result.
	Describe(ctx context.Context) (*Description, error)
	// Connect takes one step of connecting a source.
	Connect(ctx context.Context, req *ConnectRequest) (Step, error)
	// Disconnect revokes a credential at the source. It is idempotent: a credential that is already revoked is no
	// error. It is not called for a source without [CapabilityRevoke].
	Disconnect(ctx context.Context, req *CredentialRequest) error
}

// SourceDescriber is implemented by a provider that describes one source alone, or as an installation's config defines it.
// Without it, Describe is called and the host keeps the one source.
type SourceDescriber interface {
	// DescribeSource is Describe for one source. It is as pure.
	//
	// Without a definition, a source that does not exist is no error: the description then has no source. Its DefinitionSchema
	// is that of definitions of this source, which may need more keys where the source does not exist without one.
	//
	// With a definition, the description has that source alone, as the definition makes it. An [*Error] with the code
	// [BadConfiguration] says what is wrong with a definition that the schema allows: Message is a sentence, and Setting, where
	// it is set, a JSON Pointer (RFC 6901) into the definition.
	DescribeSource(ctx context.Context, req *DescribeRequest) (*Description, error)
}

// DescribeRequest asks for the description of one source.
type DescribeRequest struct {
	// Source is the id of the source. It is never empty.
	Source string
	// Definition of the source by the installation's config, or nil.
	Definition *Definition
}

// Refresher is implemented by a provider that has sources with [CapabilityRefresh].
type Refresher interface {
	// Refresh renews a credential. It is called by one caller at a time for one connection, and never repeated after a
	// crash.
	Refresh(ctx context.Context, req *CredentialRequest) (*Refreshed, error)
}

// Checker is implemented by a provider that has sources with [CapabilityCheck].
type Checker interface {
	// Check asks the source whether a credential still works; nil means that it does.
	Check(ctx context.Context, req *CredentialRequest) error
}

// ConnectRequest asks for one step of connecting a source.
type ConnectRequest struct {
	// Source is the id of the source.
	Source   string
	Settings Settings
	// AttemptID is the same for all steps of one attempt.
	AttemptID string
	// RedirectURI is the OAuth redirect URI, fixed for the life of the attempt; empty if the front end has no browser.
	RedirectURI string
	// OAuthState is the OAuth state parameter to use: 256 random bits, made and checked by core, fixed for the life of
	// the attempt.
	OAuthState string
	// Expected is the account that a reconnect must end with, or nil.
	Expected *Account
	// Scopes to ask for; empty means the source's default.
	Scopes   []string
	FrontEnd FrontEnd
	// Resume is what the provider returned with its last step; empty at the start.
	Resume []byte
	// Reply is the answer to the last step: [Start], [Callback], [FormValues] or [TimePassed].
	Reply Reply
	// Locale is the BCP 47 tag of the person's language, or empty.
	Locale string
	// Definition of the source by the installation's config, or nil.
	Definition *Definition
}

// CredentialRequest has a credential that the provider returned earlier, for Disconnect, Refresh and Check.
type CredentialRequest struct {
	Source     string
	Settings   Settings
	Account    Account
	Credential Credential
	// Definition of the source by the installation's config, or nil.
	Definition *Definition
}

// Refreshed is a renewed credential.
type Refreshed struct {
	Credential Credential
	// Scopes as granted now; empty means unchanged.
	Scopes []string
}

// Settings of a source as the installation configured them, validated against what Describe declares.
// An OAuth client is Values["client_id"] and Secrets["client_secret"].
type Settings struct {
	Values  map[string]string
	Secrets map[string]Secret
}

// Account is an account at a source.
type Account struct {
	// ID is unique within the source and never changes. Empty: the source cannot tell accounts apart.
	ID string
	// Label is the name of the account for the person.
	Label string
}

// Credential gives the provider access to the account. It is opaque to humanconnect, which stores it sealed, except for
// [MediaTypeOAuth2] and [MediaTypeFields].
type Credential struct {
	Data      Secret
	MediaType string
	// ExpiresAt is zero where the credential does not expire, or the expiry is unknown.
	ExpiresAt Time
	// ReconnectBy is when access ends unless the person connects again: the end of the refresh token, or of the consent. Zero
	// where it is unknown.
	ReconnectBy Time
}

// MediaTypeOAuth2 marks a credential that is a JSON object with access_token, refresh_token and token_type.
const MediaTypeOAuth2 = "application/vnd.humanconnect.oauth2+json"

// MediaTypeFields marks a credential that is a flat JSON object of strings: what an application needs to call the source,
// such as url and token.
const MediaTypeFields = "application/vnd.humanconnect.fields+json"

// FrontEnd says what the program that talks to the person can do.
type FrontEnd struct {
	// Browser: can open a browser and receive the redirect.
	Browser bool
	// Form: can show a form.
	Form bool
	// Code: can show a code and an address to type it at.
	Code bool
}

// Reply is the answer to a step.
type Reply interface{ reply() }

// Start asks for the first step.
type Start struct{}

// Callback answers [OpenURL] with the authorization response: the parameters of the redirect, in their order. Core has
// checked the state.
type Callback struct{ Parameters []Parameter }

// Parameter is one parameter of a redirect.
type Parameter struct{ Name, Value string }

// FormValues answers [Form]: field id to value.
type FormValues struct{ Values map[string]Secret }

// TimePassed answers [ShowCode] and [Wait], not before PollAfter.
type TimePassed struct{}

func (Start) reply()      {}
func (Callback) reply()   {}
func (FormValues) reply() {}
func (TimePassed) reply() {}

// Get returns the first parameter of that name, or "".
func (c Callback) Get(name string) string {
	for _, p := range c.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}
