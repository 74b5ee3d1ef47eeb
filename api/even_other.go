//go:build !linux

package api

import "time"

// pause waits.
func pause(d time.Duration) { time.Sleep(d) }
