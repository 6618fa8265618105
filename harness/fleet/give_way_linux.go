package fleet

import "golang.org/x/sys/unix"

// giveWay has the calling thread run where no other wants the processor, and read
// where none wants the disk.
func giveWay() {
	const (
		thisThread = 0
		process    = 1       // IOPRIO_WHO_PROCESS, which is a thread
		idle       = 3 << 13 // IOPRIO_CLASS_IDLE
	)
	// Where neither can be had, it reads all the same.
	unix.Setpriority(unix.PRIO_PROCESS, thisThread, 19)
	unix.Syscall(unix.SYS_IOPRIO_SET, process, thisThread, idle)
}
