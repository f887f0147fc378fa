// The sandbox provider: three sources without a world behind them, to try humanconnect with and to test it. They need
// no account and no network, answer at once, and fail on demand; README.md has the table.
package main

import "github.com/humanconnect/humanconnect/sdk"

func main() { sdk.Serve(provider{}) }
