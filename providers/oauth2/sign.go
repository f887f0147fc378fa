package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// prepareSignature gets what the parameters of a signed call refer to: {timestamp}, in Unix seconds, and {nonce}.
func (c *call) prepareSignature(ctx context.Context, where string, s *catalog.Signature, token oauth2.Token) error {
	if s == nil {
		return nil
	}
	c.values["timestamp"] = strconv.FormatInt(time.Now().Unix(), 10)
	if s.Nonce == nil {
		return nil
	}
	value, err := c.ask(ctx, where, s.Nonce.Call(), token)
	if err != nil {
		return err
	}
	if c.values["nonce"] = text(at(value, s.Nonce.Path)); c.values["nonce"] == "" {
		return unexpected()
	}
	return nil
}

// sign adds the signature of a call to its parameters.
func (c *call) sign(form url.Values, s *catalog.Signature) error {
	if s == nil {
		return nil
	}
	key := c.settings.Secrets[s.Key].Reveal()
	if key == "" {
		return &sdk.Error{Code: sdk.BadConfiguration, Message: "The source needs a client secret.", Setting: s.Key}
	}
	signed := make([]string, 0, len(s.Over))
	for _, name := range slices.Sorted(slices.Values(s.Over)) {
		signed = append(signed, form.Get(name))
	}
	hash := hmac.New(sha256.New, []byte(key))
	hash.Write([]byte(strings.Join(signed, s.Separator)))
	form.Set(s.Parameter, hex.EncodeToString(hash.Sum(nil)))
	return nil
}
