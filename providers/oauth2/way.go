package main

import (
	"net/http"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk"
)

// userAgent is that of every request.
const userAgent = "humanconnect-provider-oauth2/" + version

// way chooses how requests are sent. An address that a person typed a part of is public, or one that the operator lists.
func (p *provider) way(settings sdk.Settings, typed bool) (*endpoint.Way, error) {
	if text := settings.Values[settingBase]; text != "" {
		base, err := endpoint.TestServer(text)
		if err != nil {
			return nil, &sdk.Error{
				Code: sdk.BadConfiguration, Message: "It has to be an http address on loopback.", Setting: settingBase,
			}
		}
		return &endpoint.Way{Base: base, By: endpoint.LoopbackOnly(), Agent: userAgent}, nil
	}
	if text := settings.Values[endpoint.SettingAllowedHosts]; typed && text != "" {
		allowed, err := endpoint.ReadAllowed(text)
		if err != nil {
			return nil, &sdk.Error{Code: sdk.BadConfiguration, Message: "The setting is not valid: " + err.Error() + ".", Setting: endpoint.SettingAllowedHosts}
		}
		return &endpoint.Way{By: allowed.Transport(), Agent: userAgent}, nil
	}
	if typed {
		return &endpoint.Way{By: p.public, Agent: userAgent}, nil
	}
	return &endpoint.Way{By: http.DefaultTransport, Agent: userAgent}, nil
}
