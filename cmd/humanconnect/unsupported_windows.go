package main

// Providers are processes with groups, signals and sockets of Unix: humanconnect runs on Linux, macOS and FreeBSD. In WSL 2, Linux
// on Windows, it is built and run as on Linux. Nothing else of the program is compiled for Windows, so that this is what a build says.
var _ = humanconnect_does_not_run_on_windows__build_it_in_WSL_2
