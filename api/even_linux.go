package api

import (
	"syscall"
	"time"
)

// pause waits to within some 50 µs. It takes a thread meanwhile.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // where it was woken early, the caller goes on
}
