// Package sdk is all that the author of a humanconnect provider imports.
//
// A provider is a program that implements [Provider] and calls [Serve]:
//
//	func main() { sdk.Serve(clinic{}) }
//
// Connecting a source is not a conversation but a series of single steps. Each call to Connect gets the person's last
// reply and the bytes that the provider returned with its last step, and answers with the next [Step] or an [Error].
// The provider keeps nothing between two calls: the next one may reach another process, on another day.
//
// humanconnect owns the browser, the prompts, the listener, the store and the clock. A provider opens no port, writes
// no file and prints nothing on standard output; what it writes on standard error is kept for diagnostics.
package sdk
