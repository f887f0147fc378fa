package sdk

import "github.com/humanconnect/humanconnect/sdk/proto/providerv1"

func descriptionToWire(d *Description) *providerv1.DescribeResponse {
	out := &providerv1.DescribeResponse{
		Name:     text(d.Name),
		Version:  text(d.Version),
		Settings: fieldsToWire(d.Settings),
	}
	for _, s := range d.Sources {
		out.Sources = append(out.Sources, sourceToWire(s))
	}
	return out
}

func descriptionFromWire(in *providerv1.DescribeResponse) *Description {
	out := &Description{
		Name:     in.GetName(),
		Version:  in.GetVersion(),
		Settings: fieldsFromWire(in.GetSettings()),
	}
	for _, s := range in.GetSources() {
		out.Sources = append(out.Sources, sourceFromWire(s))
	}
	return out
}

func sourceToWire(s Source) *providerv1.Source {
	out := &providerv1.Source{
		Id:       text(s.ID),
		Name:     text(s.Name),
		Group:    text(s.Group),
		Fields:   fieldsToWire(s.Fields),
		Hosts:    texts(s.Hosts),
		Settings: fieldsToWire(s.Settings),
	}
	for _, w := range s.Ways {
		out.Ways = append(out.Ways, wayToWire(w))
	}
	for _, c := range s.Capabilities {
		out.Capabilities = append(out.Capabilities, capabilityToWire(c))
	}
	return out
}

func sourceFromWire(in *providerv1.Source) Source {
	out := Source{
		ID:       in.GetId(),
		Name:     in.GetName(),
		Group:    in.GetGroup(),
		Fields:   fieldsFromWire(in.GetFields()),
		Hosts:    in.GetHosts(),
		Settings: fieldsFromWire(in.GetSettings()),
	}
	for _, w := range in.GetWays() {
		if way, known := wayFromWire(w); known {
			out.Ways = append(out.Ways, way)
		}
	}
	for _, c := range in.GetCapabilities() {
		if capability, known := capabilityFromWire(c); known {
			out.Capabilities = append(out.Capabilities, capability)
		}
	}
	return out
}

func wayToWire(w Way) providerv1.Way {
	switch w {
	case WayForm:
		return providerv1.Way_WAY_FORM
	case WayBrowser:
		return providerv1.Way_WAY_BROWSER
	case WayCode:
		return providerv1.Way_WAY_CODE
	}
	return providerv1.Way_WAY_UNSPECIFIED
}

// wayFromWire knows nothing of ways that came after this version: a source with one of them can still be listed.
func wayFromWire(w providerv1.Way) (Way, bool) {
	switch w {
	case providerv1.Way_WAY_FORM:
		return WayForm, true
	case providerv1.Way_WAY_BROWSER:
		return WayBrowser, true
	case providerv1.Way_WAY_CODE:
		return WayCode, true
	}
	return "", false
}

func capabilityToWire(c Capability) providerv1.Capability {
	switch c {
	case CapabilityRevoke:
		return providerv1.Capability_CAPABILITY_REVOKE
	case CapabilityRefresh:
		return providerv1.Capability_CAPABILITY_REFRESH
	case CapabilityCheck:
		return providerv1.Capability_CAPABILITY_CHECK
	}
	return providerv1.Capability_CAPABILITY_UNSPECIFIED
}

func capabilityFromWire(c providerv1.Capability) (Capability, bool) {
	switch c {
	case providerv1.Capability_CAPABILITY_REVOKE:
		return CapabilityRevoke, true
	case providerv1.Capability_CAPABILITY_REFRESH:
		return CapabilityRefresh, true
	case providerv1.Capability_CAPABILITY_CHECK:
		return CapabilityCheck, true
	}
	return "", false
}

func fieldsToWire(fields []Field) []*providerv1.Field {
	var out []*providerv1.Field
	for _, f := range fields {
		w := &providerv1.Field{
			Id:       text(f.ID),
			Label:    text(f.Label),
			Kind:     kindToWire(f.Kind),
			Required: f.Required,
			Help:     text(f.Help),
		}
		for _, c := range f.Choices {
			w.Choices = append(w.Choices, &providerv1.Choice{Value: text(c.Value), Label: text(c.Label)})
		}
		out = append(out, w)
	}
	return out
}

func fieldsFromWire(in []*providerv1.Field) []Field {
	var out []Field
	for _, w := range in {
		f := Field{
			ID:       w.GetId(),
			Label:    w.GetLabel(),
			Kind:     kindFromWire(w.GetKind()),
			Required: w.GetRequired(),
			Help:     w.GetHelp(),
		}
		for _, c := range w.GetChoices() {
			f.Choices = append(f.Choices, Choice{Value: c.GetValue(), Label: c.GetLabel()})
		}
		out = append(out, f)
	}
	return out
}

func kindToWire(k Kind) providerv1.Field_Kind {
	switch k {
	case KindText:
		return providerv1.Field_KIND_TEXT
	case KindSecret:
		return providerv1.Field_KIND_SECRET
	case KindURL:
		return providerv1.Field_KIND_URL
	case KindChoice:
		return providerv1.Field_KIND_CHOICE
	case KindOTP:
		return providerv1.Field_KIND_OTP
	}
	return providerv1.Field_KIND_UNSPECIFIED
}

// kindFromWire takes a kind that came after this version as plain text, the one kind that any front end can ask for.
func kindFromWire(k providerv1.Field_Kind) Kind {
	switch k {
	case providerv1.Field_KIND_SECRET:
		return KindSecret
	case providerv1.Field_KIND_URL:
		return KindURL
	case providerv1.Field_KIND_CHOICE:
		return KindChoice
	case providerv1.Field_KIND_OTP:
		return KindOTP
	}
	return KindText
}
