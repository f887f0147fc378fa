package config

import "github.com/humanconnect/humanconnect/internal/jsonschema"

// field is a key of an object in a file. Of these tables the reader takes which keys there are, and [Schema] what it publishes.
type field struct {
	name string
	// doc is one sentence; that of a scalar stands in [scalars].
	doc   string
	value value
}

// value makes the schema of a value: what the file may say there, as far as a schema can tell.
type value func() *jsonschema.Schema

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func fileFields() []field {
	return []field{
		{"version", "version of the format", versionSchema},
		{"clientId", "", textSchema},
		{"store", "where the state is", section("store", storeFields)},
		{"token", "how session tokens are checked and created", section("token", tokenFields)},
		{"callback", "the OAuth redirect URI", section("callback", callbackFields)},
		{"connection", "states of connections", section("connection", connectionFields)},
		{"providers", "providers that differ from what is installed", listSchema(providerSchema)},
		{"sources", "sources with a client, settings or a definition of this installation", listSchema(sourceSchema)},
		{"hooks", "where events go", listSchema(hookSchema)},
		{"plan", "actions of an open that no flag gives any", planSchema},
	}
}

func storeFields() []field {
	return []field{
		{"driver", "", oneOfSchema("sqlite")},
		{"path", "", pathSchema},
		{"key", "the key of 32 bytes that encrypts credentials, in base64", secretSchema},
	}
}

func tokenFields() []field {
	return []field{
		{"check", "", oneOfSchema(checkLocal, checkJWT, checkIntrospection)},
		{"ttl", "", durationSchema},
		{"jwks", "", keysSchema},
		{"issuer", "", textSchema},
		{"audience", "", textSchema},
		{"algorithms", "with jwt: algorithms of a signature", filledList(oneOfSchema(algorithms()...))},
		{"endpoint", "", urlSchema},
		{"clientId", "", textSchema},
		{"clientSecret", "with introspection: secret of the client that asks", secretSchema},
	}
}

func callbackFields() []field {
	return []field{{"listen", "", patternSchema(`^(127\.[0-9.]+|\[[^\]]+\]):[0-9]{1,5}$`)}, {"url", "", urlSchema}}
}

func connectionFields() []field {
	return []field{{"expiringWithin", "", durationSchema}}
}

func providerFields() []field {
	return []field{
		{"name", "name of the provider", nameSchema},
		{"command", "program and arguments; a path starts at the directory of the file", commandSchema},
		{"sha256", "SHA-256 of the program, in hex", patternSchema(`^[0-9A-Fa-f]{64}$`)},
		{"dev", "run it without a pin, for development", booleanSchema},
	}
}

func sourceFields() []field {
	return []field{
		{"id", "id of the source", nameSchema},
		{"provider", "name of the provider that serves it", nameSchema},
		{"clientId", "OAuth client of this installation at the source", textSchema},
		{"clientSecret", "secret of that client", secretSchema},
		{"callbackUrl", "redirect URI of this source, if it differs from callback", urlSchema},
		{"settings", "settings of the source by their ids: text, or a reference", valuesSchema},
		{"definition", "what the source is, for its provider", definitionSchema},
		{"appliesTo", "connections that the definition is for", oneOfSchema("all", "new")},
	}
}

func hookFields() []field {
	return []field{
		{"name", "name of the hook", nameSchema},
		{"on", "moments whose events it receives", momentsSchema},
		{"shell", "line for sh -c", textSchema},
		{"command", "program and arguments, without a shell", argvSchema},
		{"url", "URL to POST to: https, or http on this machine", urlSchema},
		{"secret", "with url: the signing secret, whsec_…", secretSchema},
		{"allowInsecure", "with url: allow plain http to other machines", booleanSchema},
		{"proxy", "with url: HTTP proxy", urlSchema},
		{"timeout", "time limit of a try, 1h at most; default: 15s", durationSchema},
		{"concurrency", "tries that one process runs at once; default: 16 with url, else 4", triesSchema},
		{"required", "open ends with exit code 17 if it has not accepted the events in time", booleanSchema},
	}
}

func planFields() []field {
	return []field{{"actions", "actions in their order", filledList(actionSchema)}}
}

func actionFields() []field {
	return []field{
		{"connect", "id of a source, or of a connection to renew", targetSchema},
		{"disconnect", "id of a connection, or of a source for all its connections", targetSchema},
		{"answers", "form values by the ids of the fields: text, or a reference", valuesSchema},
	}
}

func secretFields() []field {
	return []field{
		{"file", "path of a file that holds the secret", pathSchema},
		{"env", "name of an environment variable that holds it", variableSchema},
		{"command", "program and arguments that print it", argvSchema},
	}
}
