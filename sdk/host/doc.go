// Package host has what a host of providers needs: the calling end of the plugin protocol ([Client]), go-plugin's settings
// for it ([Plugins], [Handshake]), the stored form of steps and redirects ([MarshalStep], [MarshalCallback]), the ids that
// are valid, and text that is fit to be shown ([CleanText]). A provider needs none of it: its author imports package sdk.
package host
