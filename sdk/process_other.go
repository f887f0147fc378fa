//go:build !unix

package sdk

import "os"

func takeStandardOutput() *standardStreams { return &standardStreams{stderr: os.Stderr} }

func endProcess() { os.Exit(1) }
