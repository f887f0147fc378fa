// The sandbox provider: sources without a world behind them, to try humanconnect with and to test it. Three need no
// network and answer at once, two are connected at the authorization server that humanconnect sandbox runs. They fail
// on demand; README.md has the tables.
package main

import "github.com/humanconnect/humanconnect/sdk"

func main() { sdk.Serve(provider{}) }
