package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// Prefix starts the file name of every provider: humanconnect-provider-NAME.
const Prefix = "humanconnect-provider-"

// Origin says where a provider was found.
type Origin string

// The origins, in the order in which they are searched.
const (
	// OriginConfig is a command in the config.
	OriginConfig Origin = "config"
	// OriginUser is the user's directory of providers.
	OriginUser Origin = "user"
	// OriginRelease is beside the core binary, or in its ../libexec/humanconnect.
	OriginRelease Origin = "release"
)

// Spec is one provider: what to run, and how it is trusted.
type Spec struct {
	// Name is the NAME of humanconnect-provider-NAME; see ValidName.
	Name string
	// Command is the argument vector; the first is an absolute path.
	Command []string
	// SHA256 pins Command[0], 64 lower-case hex digits; empty means that nothing pins it.
	SHA256 string
	// Dev runs it without a pin.
	Dev bool
	// Origin is where it was found.
	Origin Origin
	// Pinned says where the pin is: OriginConfig, OriginUser or OriginRelease for the locks, or empty.
	Pinned Origin
	// Lock is the file of the lock that has the pin; empty for a pin of the config.
	Lock string
	// Sources are the ids that the pin lets it claim; nil while they are not recorded. Recorded says in which lock they are:
	// OriginUser, or OriginRelease.
	Sources  []string
	Recorded Origin
}

// isDigest says whether s is a SHA-256 in lower-case hex.
func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && s == strings.ToLower(s)
}

// ValidName says whether a provider may have this name: [a-z0-9][a-z0-9-]{0,62}.
func ValidName(name string) bool { return host.ValidID(name) }

// Path is the file that is executed, and the one that the pin covers.
func (s Spec) Path() string { return s.Command[0] }

func (s Spec) clone() Spec {
	s.Command, s.Sources = slices.Clone(s.Command), slices.Clone(s.Sources)
	return s
}

// PinText says in a word where the pin is: "config", "user", "release", "dev", or "none".
func (s Spec) PinText() string {
	switch {
	case s.Dev:
		return "dev"
	case s.SHA256 == "":
		return "none"
	}
	return string(s.Pinned)
}
