// Command launcher runs a program, drops what it writes to standard output, and prints how many nanoseconds it took
// and its largest memory in KiB.
//
// It is a process of its own since a child is charged with the memory of the process that starts it (getrusage(2): the
// maximum survives execve), and the benchmark itself is larger than what it measures.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: launcher PROGRAM ARGS...")
		os.Exit(1)
	}
	//nolint:noctx // whoever started this process ends it
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stdin, c.Stderr = os.Stdin, os.Stderr
	began := time.Now()
	err := c.Run()
	took := time.Since(began)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var rss int64
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		rss = usage.Maxrss
	}
	fmt.Println(took.Nanoseconds(), rss)
}
