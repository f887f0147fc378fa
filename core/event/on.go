package event

import (
	"strings"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// On is the moment that a hook asks for, in the words of the reference and of the config.
type On string

// The moments.
const (
	OnConnectSource    On = "onConnectSource"
	OnDisconnectSource On = "onDisconnectSource"
	OnClose            On = "onClose"
	// OnNeedsReconnect is none of the reference's: a credential has come to its end outside of a session.
	OnNeedsReconnect On = "onNeedsReconnect"
)

// Ons lists all moments.
func Ons() []On { return []On{OnConnectSource, OnDisconnectSource, OnClose, OnNeedsReconnect} }

// Type is the type of the events of that moment; "" for a word that is none.
func (o On) Type() Type {
	switch o {
	case OnConnectSource:
		return SourceConnected
	case OnDisconnectSource:
		return SourceDisconnected
	case OnClose:
		return SessionClosed
	case OnNeedsReconnect:
		return ConnectionNeedsReconnect
	}
	return ""
}

// Meant returns the moment that a word most likely means, such as "close" or the type of an event; "" where none is near.
func Meant(word string) On {
	word = strings.ToLower(word)
	for _, m := range []struct {
		part string
		on   On
	}{{"reconnect", OnNeedsReconnect}, {"disconnect", OnDisconnectSource}, {"connect", OnConnectSource}, {"clos", OnClose}} {
		if strings.Contains(word, m.part) {
			return m.on
		}
	}
	names := make([]string, 0, len(Ons()))
	for _, on := range Ons() {
		names = append(names, string(on))
	}
	return On(problem.Nearest(word, names))
}
