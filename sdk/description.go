package sdk

// Description is what [Provider.Describe] returns: the provider and its sources.
type Description struct {
	// Name is the NAME of humanconnect-provider-NAME.
	Name string
	// Version is the provider's own, semver without the v.
	Version string
	Sources []Source
	// Settings of every source, in addition to its own.
	Settings []Field
}

// Source is a place that holds health data of a user.
type Source struct {
	// ID matches [a-z0-9][a-z0-9-]{0,62} and is unique over all providers of an installation.
	ID   string
	Name string
	// Group is a heading to list the source under, such as "Wearables".
	Group string
	// Methods by which the source may connect. Empty: it connects at once.
	Methods []Method
	// Fields of all forms of the source, so that a script can be checked before it starts.
	Fields []Field
	// Hosts that the provider connects to, or sends a browser to, for this source: "api.example.com", "*.example.com",
	// "127.0.0.1:8778".
	Hosts        []string
	Capabilities []Capability
	// Settings of this source, in addition to the provider's.
	Settings []Field
}

// Method is how a source is connected.
type Method string

// The methods.
const (
	// MethodForm asks for values of fields.
	MethodForm Method = "form"
	// MethodBrowser sends the person's browser to the source.
	MethodBrowser Method = "browser"
	// MethodCode shows a code to type at the source (RFC 8628).
	MethodCode Method = "code"
)

// Capability is something that a source can do beyond connecting.
type Capability string

// The capabilities.
const (
	// CapabilityRevoke: Disconnect revokes the credential at the source.
	CapabilityRevoke Capability = "revoke"
	// CapabilityRefresh: the provider is a [Refresher] for the source.
	CapabilityRefresh Capability = "refresh"
	// CapabilityCheck: the provider is a [Checker] for the source.
	CapabilityCheck Capability = "check"
)

// Field is one input of a form, or one setting.
type Field struct {
	// ID matches [a-z][a-z0-9_]{0,62}.
	ID       string
	Label    string
	Kind     Kind
	Required bool
	Help     string
	// Choices of a field of KindChoice.
	Choices []Choice
}

// Choice is one value of a field of KindChoice.
type Choice struct{ Value, Label string }

// Kind of a field.
type Kind string

// The kinds of fields.
const (
	KindText Kind = "text"
	// KindSecret is never shown and never logged.
	KindSecret Kind = "secret"
	// KindURL adds its host to the hosts of the connection.
	KindURL    Kind = "url"
	KindChoice Kind = "choice"
	// KindOTP is a one-time code.
	KindOTP Kind = "otp"
)
