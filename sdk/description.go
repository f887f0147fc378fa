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
	// DefinitionSchema is a JSON Schema (draft 2020-12) of the definitions that the provider takes. Empty: it takes none.
	DefinitionSchema string
}

// Definition is what an installation's config says a source is, beyond its settings: a source that the provider does not know,
// or fields of a known one that override the provider's own. It has been checked against the provider's
// [Description.DefinitionSchema].
type Definition struct {
	// JSON is an object.
	JSON []byte
	// NewOnly: a connection that was made without the definition keeps what it was made with.
	NewOnly bool
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
	// Scopes that are asked for where nobody asks for others.
	Scopes []string
	// DocumentationURL is the source's own page on how to get access: https.
	DocumentationURL string
	// RedirectURIs says which redirect URIs the source accepts, in one sentence, where that is known.
	RedirectURIs string
	// Programme is zero where nothing is known of it.
	Programme Programme
	// Notes are what a person who registers a client should know, one sentence each.
	Notes []string
	// Tested says in one sentence how the provider's knowledge of this source was tested.
	Tested string
}

// Programme is under which terms a source gives access to applications.
type Programme struct {
	Status ProgrammeStatus
	// Text has one or two sentences.
	Text string
	// Changes are days on which something changes.
	Changes []Change
}

// Change is a day on which something changes: Date is YYYY-MM-DD.
type Change struct{ Date, Text string }

// ProgrammeStatus says who may register a client with a source; "" where that is not known.
type ProgrammeStatus string

// The statuses of a programme.
const (
	// ProgrammeOpen: anybody may register.
	ProgrammeOpen ProgrammeStatus = "open"
	// ProgrammeApproval: the source decides who may.
	ProgrammeApproval ProgrammeStatus = "approval"
	// ProgrammePaid: access costs something.
	ProgrammePaid ProgrammeStatus = "paid"
	// ProgrammeRetired: the source exists no more, or takes no new applications.
	ProgrammeRetired ProgrammeStatus = "retired"
)

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
