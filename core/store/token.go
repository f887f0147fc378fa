package store

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
)

// Token is a session token made by this installation.
type Token struct {
	// Hash is the SHA-256 of the token, which is stored nowhere.
	Hash []byte
	User id.Human
	// Sources that the token may connect or disconnect; nil means all.
	Sources   []string
	IssuedAt  time.Time
	ExpiresAt time.Time
	RevokedAt time.Time
}

// TokenTx finds and makes tokens.
type TokenTx interface {
	Token(hash []byte) (Token, error)
	InsertToken(Token) error
	// SaveToken writes the row anew.
	SaveToken(Token) error
	// DeleteTokens forgets tokens that expired before t and returns how many.
	DeleteTokens(expiredBefore time.Time) (int, error)
}

// VerifiedToken is a session token of another service that was verified once: its signature when it opened its session, or
// by the service that called it active. What it once was, it stays when the key is gone or the service has forgotten it.
type VerifiedToken struct {
	// Hash is a digest of the service and the token, which is stored nowhere.
	Hash []byte
	User id.Human
	// Sources that the service named; nil means all, or that they are asked of the token itself.
	Sources    []string
	VerifiedAt time.Time
	// ExpiresAt is when the token expires; far in the future for one that is remembered as long as its session.
	ExpiresAt time.Time
}

// VerifiedTokenTx finds and keeps verified tokens.
type VerifiedTokenTx interface {
	VerifiedToken(hash []byte) (VerifiedToken, error)
	InsertVerifiedToken(VerifiedToken) error
	// SaveVerifiedToken writes the row anew.
	SaveVerifiedToken(VerifiedToken) error
	// DeleteVerifiedTokens forgets tokens that expired before t and returns how many.
	DeleteVerifiedTokens(expiredBefore time.Time) (int, error)
}
