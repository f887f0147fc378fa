// The key provider: every source that is connected with a key, or with an address and a secret, and is known as data, see the
// folder catalog. Nothing in it is made for one source.
package main

import "github.com/humanconnect/humanconnect/sdk"

func main() { sdk.Serve(newProvider()) }
