// The oauth2 provider: every OAuth 2.0 source that is known as data, see the folder catalog. It has one engine,
// sdk/oauth2, and nothing in it is made for one source.
package main

import "github.com/humanconnect/humanconnect/sdk"

func main() { sdk.Serve(newProvider()) }
