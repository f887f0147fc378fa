package tty

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"
)

// sigaction is the kernel's struct of rt_sigaction(2). The zero value is the default effect.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// stopSelf gives SIGTSTP its default effect, and sends it to this process. [signal.Reset] does not: the handler of the
// runtime stays, and ignores the signal. The system stops no process of an orphaned group, which nobody could continue.
func stopSelf() {
	var byDefault sigaction
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGTSTP), uintptr(unsafe.Pointer(&byDefault)), 0,
		unsafe.Sizeof(byDefault.mask), 0, 0)
	if errno == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTSTP)
	}
}

// catchAgain makes the runtime install its handler for SIGTSTP again.
func catchAgain() { signal.Ignore(syscall.SIGTSTP) }
