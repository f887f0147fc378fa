package sdk

import "time"

// Time is [time.Time]; the zero value means that there is none.
type Time = time.Time

// MaxResume limits the bytes that a step returns for the next request: 64 KiB.
const MaxResume = 64 << 10

// MaxMessage limits a message of the wire in either direction: 4 MiB.
const MaxMessage = 4 << 20

// Step is what a provider asks for next: [OpenURL], [Form], [ShowCode], [Wait], or the end, [Connected].
type Step interface{ step() }

// OpenURL sends the person's browser to the source. The reply is [Callback].
type OpenURL struct {
	URL       string
	ExpiresAt Time
	Resume    []byte
}

// Form asks the person for values. The reply is [FormValues]. For an invalid value the provider returns an [Error] with
// [InvalidInput] and the field; the form is then shown again.
type Form struct {
	Title  string
	Text   string
	Fields []Field
	Resume []byte
}

// ShowCode is the device flow of RFC 8628: the person types UserCode at VerificationURI. The reply is [TimePassed], until
// the provider returns another step.
type ShowCode struct {
	UserCode                string
	VerificationURI         string
	VerificationURIComplete string
	// PollAfter is at least one second; less counts as one second.
	PollAfter time.Duration
	ExpiresAt Time
	Resume    []byte
}

// Wait is for a source that needs time, or a person who acts elsewhere. The reply is [TimePassed].
type Wait struct {
	Text string
	// PollAfter is at least one second; less counts as one second.
	PollAfter time.Duration
	ExpiresAt Time
	Resume    []byte
}

// Connected ends the attempt with a credential.
type Connected struct {
	Account    Account
	Credential Credential
	// Scopes that were granted.
	Scopes []string
}

func (OpenURL) step()   {}
func (Form) step()      {}
func (ShowCode) step()  {}
func (Wait) step()      {}
func (Connected) step() {}
