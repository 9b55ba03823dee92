//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package filestore

// This file answers: how do processes keep out of each other's way?

import (
	"errors"
	"os"
	"syscall"
)

const (
	canLock      = true
	openNonblock = syscall.O_NONBLOCK
)

// tryLock takes the lock of an open file, if nobody has it; closing the file
// frees it, and so does the end of the process, however it ends.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
