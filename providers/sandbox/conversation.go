package main

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"

	"github.com/humanconnect/humanconnect/sdk"
)

// A conversation with clinic or family:
//
//	start ─▶ form (login) ─▶ [fault: wait, code, url, extra form] ─▶ connected              clinic
//	                                                              └▶ form (member) ─▶ …     family
//
// place is the state of the attempt. It travels in the resume bytes, so any process can continue.
type place struct {
	Stage    stage  `json:"stage"`
	Username string `json:"username,omitempty"`
	// Polls that a fault has had so far.
	Polls int `json:"polls,omitempty"`
}

type stage string

const (
	atLogin  stage = "login"
	atFault  stage = "fault"
	atMember stage = "member"
)

var demoUser = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^demouser[0-9]*$`) })

// noAccount is a user whose account has no id, as at a source without account ids.
const noAccount = "noaccount"

func converse(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	if err := checkAPIKey(req); err != nil {
		return nil, err
	}
	if _, isStart := req.Reply.(sdk.Start); isStart {
		return form(req, "Sign in", loginFields(), place{Stage: atLogin}), nil
	}
	var at place
	if err := json.Unmarshal(req.Resume, &at); err != nil {
		return nil, unexpected("The sandbox cannot read the state of the attempt.")
	}
	switch at.Stage {
	case atLogin:
		return signIn(ctx, req)
	case atFault:
		return goOn(ctx, req, at)
	case atMember:
		return chooseMember(req, at)
	}
	return nil, unexpected("The sandbox does not know the state of the attempt.")
}

func signIn(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	values, isForm := req.Reply.(sdk.FormValues)
	if !isForm {
		return nil, unexpected("The sandbox expected form values.")
	}
	username := values.Values[fieldUsername].Reveal()
	if username == "" {
		return nil, invalid(fieldUsername, "Please enter a user name.")
	}
	f, isFault := findFault(username)
	known := isFault || username == noAccount || demoUser().MatchString(username)
	if !known || values.Values[fieldPassword].Reveal() != "password" {
		return nil, invalid(fieldPassword, "The user name or the password is wrong.")
	}
	if isFault && f.connect != nil {
		step, err := f.connect(ctx, req, place{Stage: atFault, Username: username})
		if step != nil || err != nil {
			return step, err
		}
	}
	return signedIn(req, username)
}

// goOn continues a fault that takes more than one step.
func goOn(ctx context.Context, req *sdk.ConnectRequest, at place) (sdk.Step, error) {
	f, found := findFault(at.Username)
	if !found || f.connect == nil {
		return nil, unexpected("The sandbox does not know this fault.")
	}
	at.Polls++
	step, err := f.connect(ctx, req, at)
	if step != nil || err != nil {
		return step, err
	}
	return signedIn(req, at.Username)
}

func signedIn(req *sdk.ConnectRequest, username string) (sdk.Step, error) {
	if req.Source == family {
		fields := []sdk.Field{memberField()}
		return form(req, "Whose data?", fields, place{Stage: atMember, Username: username}), nil
	}
	return connected(req, login{Username: username, Account: accountID(username), Label: username})
}

func chooseMember(req *sdk.ConnectRequest, at place) (sdk.Step, error) {
	values, isForm := req.Reply.(sdk.FormValues)
	if !isForm {
		return nil, unexpected("The sandbox expected form values.")
	}
	member := values.Values[fieldMember].Reveal()
	for _, choice := range memberField().Choices {
		if choice.Value == member {
			return connected(req, login{
				Username: at.Username,
				Account:  accountID(at.Username, member),
				Label:    choice.Label + " (" + at.Username + ")",
			})
		}
	}
	return nil, invalid(fieldMember, "There is no family member of this name.")
}

func form(req *sdk.ConnectRequest, title string, fields []sdk.Field, at place) sdk.Form {
	return sdk.Form{Title: title, Text: req.Settings.Values[settingGreeting], Fields: fields, Resume: at.bytes()}
}

// bytes is the place as it travels. Its fields are always encodable.
func (p place) bytes() []byte {
	data, _ := json.Marshal(p)
	return data
}

func checkAPIKey(req *sdk.ConnectRequest) error {
	key, set := req.Settings.Secrets[settingAPIKey]
	if req.Source != clinic || !set || key.Reveal() == "" || key.Reveal() == "sandbox-key" {
		return nil
	}
	return &sdk.Error{
		Code: sdk.BadConfiguration, Message: "Sandbox Clinic does not accept the API key.", Setting: settingAPIKey,
	}
}

func invalid(field, message string) error {
	return &sdk.Error{Code: sdk.InvalidInput, Message: message, Field: field}
}

func unexpected(message string) error {
	return &sdk.Error{Code: sdk.SourceError, Message: message}
}
