package event

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
