package main

import (
	"net/http"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
)

// userAgent is that of every request.
const userAgent = "humanconnect-provider-oauth2/" + version

// transport chooses how requests are sent. An address that a person typed a part of is public, or one that the operator lists.
func (p *provider) transport(settings sdk.Settings, typed bool) (*endpoint.Transport, error) {
	if text := settings.Values[settingBase]; text != "" {
		base, err := endpoint.TestServer(text)
		if err != nil {
			return nil, &sdk.Error{
				Code: sdk.BadConfiguration, Message: "It has to be an http address on loopback.", Setting: settingBase,
			}
		}
		return &endpoint.Transport{Base: base, By: endpoint.LoopbackOnly(), Agent: userAgent}, nil
	}
	if text := settings.Values[endpoint.SettingAllowedHosts]; typed && text != "" {
		allowed, err := endpoint.ReadAllowed(text)
		if err != nil {
			return nil, &sdk.Error{Code: sdk.BadConfiguration, Message: "The setting is not valid: " + err.Error() + ".", Setting: endpoint.SettingAllowedHosts}
		}
		return &endpoint.Transport{By: allowed.Transport(), Agent: userAgent}, nil
	}
	if typed {
		return &endpoint.Transport{By: p.public, Agent: userAgent}, nil
	}
	return &endpoint.Transport{By: http.DefaultTransport, Agent: userAgent}, nil
}
