package hook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// The form of a secret (Standard Webhooks 1.0.0, "Signature scheme"): the prefix and the padded base64 of 24 to 64 bytes.
const (
	secretPrefix = "whsec_"
	minSecret    = 24
	maxSecret    = 64
	// maxSecrets are active at once: the new one and the old one, and room for a slip.
	maxSecrets = 4
)

// CodeSecret: what should be the secret of a hook is none.
const CodeSecret problem.Code = "hook_secret"

// ErrSecret: a text is not one secret, or a few with blanks between them.
var ErrSecret = errors.New("is not whsec_ and the base64 of 24 to 64 bytes")

// NewSecret makes a secret. Its base64 has no padding, which libraries do not agree on.
func NewSecret() sdk.Secret {
	key := make([]byte, minSecret)
	_, _ = rand.Read(key) // never fails: crypto/rand
	return sdk.Secret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// keysOf reads the active secrets of a hook: one, or while it is rotated the new one first, with blanks or line breaks
// between them.
func keysOf(s sdk.Secret) ([][]byte, error) {
	words := strings.Fields(s.Reveal())
	if len(words) == 0 || len(words) > maxSecrets {
		return nil, ErrSecret
	}
	var keys [][]byte
	for _, word := range words {
		text, found := strings.CutPrefix(word, secretPrefix)
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		if !found || err != nil || len(key) < minSecret || len(key) > maxSecret {
			return nil, ErrSecret
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readKeys(ctx context.Context, secret func(context.Context) (sdk.Secret, error)) ([][]byte, error) {
	if secret == nil {
		return nil, ErrSecret
	}
	text, err := secret(ctx)
	if err != nil {
		return nil, err
	}
	return keysOf(text)
}

// CheckSecret reads the secret of a hook of the config and says what is wrong with it, without repeating it: a problem
// with the code [CodeSecret], or the error of who reads it.
func (h Hook) CheckSecret(ctx context.Context) error {
	_, err := readKeys(ctx, h.Secret)
	if errors.Is(err, ErrSecret) {
		return problem.New(CodeSecret, "the secret of the hook %s %s", h.Name, ErrSecret).
			Hint("make one with: echo whsec_$(head -c 24 /dev/urandom | base64)")
	}
	return err
}

// signature is the value of webhook-signature: one "v1,…" for each key, the HMAC-SHA256 of id, time and body.
func signature(keys [][]byte, message string, at time.Time, body []byte) string {
	var all []string
	for _, key := range keys {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(message + "." + stamp(at) + "."))
		h.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// stamp is a time as webhook-timestamp has it.
func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
