// Package provider has a provider that was written without the SDK, in another language, prove what the protocol promises to
// such ones. humanconnect-provider-notebook is the whole of it; docs/writing-a-provider.md shows how it is used. The
// package has tests alone.
package provider
