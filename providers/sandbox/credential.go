package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/humanconnect/humanconnect/sdk"
)

// earlierMediaType marks credentials of earlier versions of this provider; they are of the same fields.
const earlierMediaType = "application/vnd.humanconnect.sandbox+json"

// login is who signed in.
type login struct{ Username, Account, Label string }

// credential is what core stores: a secret, and the user name, from which Disconnect and Check find their fault.
type credential struct {
	Username string `json:"username,omitempty"`
	Secret   string `json:"secret"`
}

func connected(req *sdk.ConnectRequest, who login) (sdk.Step, error) {
	data, err := json.Marshal(credential{Username: who.Username, Secret: rand.Text()})
	if err != nil {
		return nil, err
	}
	return sdk.Connected{
		Account:    sdk.Account{ID: who.Account, Label: who.Label},
		Credential: sdk.Credential{Data: sdk.Secret(data), MediaType: sdk.MediaTypeFields},
		Scopes:     req.Scopes,
	}, nil
}

func readCredential(c sdk.Credential) (credential, error) {
	var g credential
	known := c.MediaType == sdk.MediaTypeFields || c.MediaType == earlierMediaType
	if !known || json.Unmarshal([]byte(c.Data.Reveal()), &g) != nil || g.Secret == "" {
		return credential{}, unexpected("This is not a credential of the sandbox.")
	}
	return g, nil
}

// accountID is always the same for the same parts, and reveals nothing about them.
func accountID(parts ...string) string {
	if parts[0] == noAccount {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
