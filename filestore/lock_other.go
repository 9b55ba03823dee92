//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package filestore

import (
	"errors"
	"os"
)

const (
	canLock      = false // see Open
	openNonblock = 0
)

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
