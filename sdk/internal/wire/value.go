package wire

import (
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// The messages of either end for an invalid response.
const (
	NoStep       = "the provider returned no step"
	NoCredential = "the provider returned no credential"
	NoMethod     = "the provider does not implement %s"
	LongResume   = "the provider's resume has %d bytes; the limit is %d"
)

// ErrNoReply is the error for a connect request that does not say what it answers.
var ErrNoReply = errors.New("a connect request needs a reply: start, callback, form values or time passed")

// Text makes s fit for a proto3 string, which holds UTF-8 alone: one stray byte would else fail the whole message.
func Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Texts is [Text] for each of a list.
func Texts(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, Text(s))
	}
	return out
}

// EncodeTime leaves a time that is zero unset.
func EncodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// DecodeTime takes a time outside of the years 1 to 9999 as none.
func DecodeTime(in *timestamppb.Timestamp) time.Time {
	if in == nil || !in.IsValid() {
		return time.Time{}
	}
	return in.AsTime()
}

// EncodeDuration leaves a duration that is not positive unset.
func EncodeDuration(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return durationpb.New(d)
}

// DecodeDuration takes a negative duration as none, and one that is too long as the longest.
func DecodeDuration(in *durationpb.Duration) time.Duration { return max(in.AsDuration(), 0) }

// Account encodes the id and the label of an account.
func Account(id, label string) *providerv1.Account {
	return &providerv1.Account{Id: Text(id), Label: Text(label)}
}

// Credential encodes the parts of a credential.
func Credential(data, mediaType string, expires, reconnectBy time.Time) *providerv1.Credential {
	return &providerv1.Credential{
		Data: []byte(data), MediaType: Text(mediaType), ExpiresAt: EncodeTime(expires), ReconnectBy: EncodeTime(reconnectBy),
	}
}

// Bytes are nil where there are none.
func Bytes(in []byte) []byte {
	if len(in) == 0 {
		return nil
	}
	return in
}
