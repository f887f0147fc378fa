// Package plugins is the host side of provider plugins: it finds their executables, verifies them, starts them, talks
// to them, stops them, and reports exactly what went wrong when one of these fails.
//
// github.com/hashicorp/go-plugin carries the handshake and the RPC. The supervision is ours, through its RunnerFunc,
// because its own leaves gaps. How each of them is closed:
//
//	a plugin outlives a killed host       lifeline on stdin; on Linux a parent-death signal too     process.go
//	its children outlive a killed host    on Linux the kernel kills the group with the host         process_linux.go
//	the signal fires when a thread ends   one locked thread starts and awaits the child             process.go
//	grandchildren live on, Kill hangs     own process group, killed before the leader is reaped     process.go
//	start cannot be cancelled             the group is killed, which ends go-plugin's Start         launch.go
//	the terminal's stdin is inherited     stdin is the lifeline                                     process.go
//	/dev/tty writes over our screens      own session, without a controlling terminal               process.go
//	the environment leaks                 an environment of listed variables                        environ.go
//	a long line on stdout blocks it       our reader takes the handshake and drains the rest        handshake.go
//	a certificate in its line panics it   the whole line is checked before go-plugin sees it        handshake.go
//	a long TMPDIR breaks the socket       short private directory of this run                       rundir.go
//	sockets stay behind after a crash     that directory is locked by its owner, swept by others    rundir.go
//	checksum of a path, exec of a path    the opened file is hashed, and that file is executed      pin.go, process.go
//	messages of 2 GiB are accepted        4 MiB                                                     launch.go
//	a process is left after a failure     one cleanup for every outcome                             instance.go
//	any number of processes               32 places, idle ones make room and are stopped            room.go
//	the broker can be flooded             it is refused                                             launch.go
//	output costs as much as it is long    what writes too much is killed                            flood.go
//	a start that fails is killed          its exit is awaited first, so that no signal is blamed    handshake.go
//	a path may lead to another's socket   checked, and who listens there, at each dial              socket.go
//
// Each source in use has a process of its own, see [Host] and [Key]. It is only sent what is for that source.
//
// None of this catches a descendant of a provider that leaves the group (setsid, setpgid).
//
// Everything that comes out of a provider is cleaned of control characters, cut, and cleared of the secrets that the
// provider was given before it is kept, logged or shown. An error's sentence with a secret in it becomes empty: whoever shows
// the error says what its code means.
package plugins
