// Package webhook has other people's libraries judge what a URL hook gets: the official ones of Standard Webhooks, in Go
// and for Node. It has tests alone.
package webhook
