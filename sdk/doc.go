// Package sdk is what the author of a humanconnect provider imports. Package sdk/oauth2 has the OAuth 2.0 flows, and
// sdk/providertest the conformance suite; sdk/host is for programs that call providers.
//
// A provider is a program that implements [Provider] and calls [Serve]:
//
//	func main() { sdk.Serve(clinic{}) }
//
// Connecting a source is a series of single steps. Each call of Connect gets the person's reply to the last step and the
// bytes that the last step returned; it returns the next [Step] or an [Error]. The provider keeps no state between two
// calls: the next one may reach another process, on another day.
//
// humanconnect owns the browser, the prompts, the redirect URI, the store and the clock. A provider opens no port, writes
// no file and prints nothing on standard output; its standard error is captured for diagnostics.
package sdk
