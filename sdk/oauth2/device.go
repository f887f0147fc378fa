package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	// defaultInterval and slowDown are of RFC 8628 §3.5.
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	// longestInterval ends the doubling where the server does not answer, and what a Retry-After asks for: a code lives
	// for minutes, and so does an attempt.
	longestInterval = time.Minute
)

// device is an attempt by code, as it travels.
type device struct {
	Code                    string        `json:"code"`
	UserCode                string        `json:"user_code"`
	VerificationURI         string        `json:"verification_uri"`
	VerificationURIComplete string        `json:"verification_uri_complete,omitempty"`
	Interval                time.Duration `json:"interval"`
	ExpiresAt               time.Time     `json:"expires_at,omitzero"`
}

// step shows the code. It is asked about after the interval, or later for once.
func (d *device) step(at resume, later time.Duration) sdk.Step {
	at.Device = d
	return sdk.ShowCode{
		UserCode: d.UserCode, VerificationURI: d.VerificationURI, VerificationURIComplete: d.VerificationURIComplete,
		PollAfter: max(d.Interval, min(later, longestInterval)), ExpiresAt: d.ExpiresAt, Resume: at.bytes(),
	}
}

// deviceAnswer is that of RFC 8628 §3.2, with the older name that some servers still send.
type deviceAnswer struct {
	DeviceCode              string  `json:"device_code"`
	UserCode                string  `json:"user_code"`
	VerificationURI         string  `json:"verification_uri"`
	VerificationURL         string  `json:"verification_url"`
	VerificationURIComplete string  `json:"verification_uri_complete"`
	ExpiresIn               float64 `json:"expires_in"`
	Interval                float64 `json:"interval"`
}

// startDevice asks for a code. The library would do it too, but never sends the secret of a client that has one.
func (s *Source) startDevice(ctx context.Context, req *sdk.ConnectRequest, at resume) (sdk.Step, error) {
	if at.Endpoint.DeviceAuthURL == "" {
		return nil, newError(sdk.NotSupported, "The source cannot be connected with a code.")
	}
	form := url.Values{}
	if len(at.Scopes) > 0 {
		form.Set("scope", strings.Join(at.Scopes, " "))
	}
	resp, err := s.post(ctx, Device, req.Settings, at.Endpoint, at.Endpoint.DeviceAuthURL, form)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, refusedAnswer(resp, req.Settings)
	}
	var answer deviceAnswer
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, unreadable(ctx, err)
	}
	d, err := answer.device(time.Now())
	if err != nil {
		return nil, err
	}
	return d.step(at, 0), nil
}

func (a deviceAnswer) device(now time.Time) (*device, error) {
	if a.VerificationURI == "" {
		a.VerificationURI = a.VerificationURL
	}
	if a.DeviceCode == "" || a.UserCode == "" || !fit(a.VerificationURI) {
		return nil, newError(sdk.SourceError, "The device authorization response has no code, or no valid verification URI.")
	}
	if !fit(a.VerificationURIComplete) {
		a.VerificationURIComplete = ""
	}
	d := &device{
		Code: a.DeviceCode, UserCode: a.UserCode, VerificationURI: a.VerificationURI,
		VerificationURIComplete: a.VerificationURIComplete, Interval: defaultInterval,
	}
	if a.Interval > 0 {
		d.Interval = min(max(seconds(a.Interval), time.Second), longestInterval)
	}
	if a.ExpiresIn > 0 {
		d.ExpiresAt = now.Add(seconds(a.ExpiresIn)).UTC()
	}
	return d, nil
}

// seconds of an answer; a day at most.
func seconds(n float64) time.Duration { return time.Duration(min(n, 24*60*60) * float64(time.Second)) }

// poll asks once whether the person has typed the code.
func (s *Source) poll(ctx context.Context, req *sdk.ConnectRequest, at resume) (sdk.Step, error) {
	said := tokenTransport{source: s, purpose: Poll, settings: req.Settings, endpoint: at.Endpoint}
	granted, err := s.config(req.Settings, at.Endpoint).Exchange(said.in(ctx), "",
		oauth2.SetAuthURLParam("grant_type", deviceGrant),
		oauth2.SetAuthURLParam("device_code", at.Device.Code))
	if err == nil {
		return s.finish(ctx, req, at.with(newGrant(granted, said.last)))
	}
	switch errorCode(err) {
	case "authorization_pending":
		return at.Device.step(at, 0), nil
	case "slow_down":
		at.Device.Interval += slowDown
		return at.Device.step(at, 0), nil
	case "expired_token", "invalid_grant":
		return nil, &sdk.Error{Code: sdk.AttemptExpired, Message: "The code has expired.", Retryable: true}
	}
	failed := refusedToken(ctx, err, nil, req.Settings)
	if no := (*sdk.Error)(nil); errors.As(failed, &no) && no.Code == sdk.SourceUnavailable {
		// RFC 8628 §3.5: a server that does not answer is asked less often. The code may well be typed meanwhile.
		at.Device.Interval = min(2*at.Device.Interval, longestInterval)
		return at.Device.step(at, no.RetryAfter), nil
	}
	return nil, failed
}

func errorCode(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return ""
}
