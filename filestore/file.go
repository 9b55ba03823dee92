package filestore

// This file answers: how does a file get its place so that nobody, and no loss
// of power, ever sees half of it?

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const tempPrefix = ".tmp-"

func isTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// replaceFile puts a file with the data in the place of name, which is in dir
// itself. When it returns nil and durable is set, the file is there after a loss
// of power too; without durable it is there as long as the system runs, whoever
// is killed, and after a loss of power it may be old, empty or gone.
func replaceFile(dir *os.Root, name string, data []byte, durable bool, step func(string) error) (err error) {
	temp := tempPrefix + rand.Text()
	if err := step("create"); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	f, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = dir.Remove(temp) // if that fails too, whoever opens the store next removes it
			err = fmt.Errorf("filestore: %w", err)
		}
	}()
	if err := errors.Join(step("write"), write(f, data)); err != nil {
		return err
	}
	if durable {
		if err := flush(f, "sync", step); err != nil {
			return err
		}
	}
	if err := errors.Join(step("close"), f.Close()); err != nil {
		return err
	}
	if err := step("rename"); err != nil {
		return err
	}
	if err := dir.Rename(temp, name); err != nil {
		return err
	}
	if durable {
		return syncDir(dir, ".", step)
	}
	return nil
}

func write(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return err
}

// flush waits until the disk has what f holds. Tests see its steps, for no
// test can pull the plug.
func flush(f *os.File, name string, step func(string) error) error {
	if err := step(name); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes sure that what was renamed, made or removed in a directory
// stays so after a loss of power. A file that is flushed has no name before
// its directory is.
func syncDir(root *os.Root, dir string, step func(string) error) error {
	f, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if err := flush(f, "sync directory", step); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	return nil
}

// readSmall returns a file of up to limit bytes that only its owner can read.
// It gives [fs.ErrNotExist], [*PermissionError] or [*CorruptError].
func readSmall(root *os.Root, path string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|openNonblock, 0) // a pipe in a file's place would wait for a writer
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("filestore: %w", err)
	case !info.Mode().IsRegular():
		return nil, &CorruptError{path, "it is no file"}
	case info.Mode().Perm()&0o077 != 0:
		return nil, tooOpen(root, path, info.Mode())
	case info.Size() > limit:
		return nil, &CorruptError{path, fmt.Sprintf("it has %d bytes, more than %d", info.Size(), limit)}
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, &CorruptError{path, "it shrinks while it is read"}
	}
	return data, nil
}

func checkMode(root *os.Root, path string) error {
	info, err := root.Stat(path)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	if !info.IsDir() {
		return &CorruptError{path, "it is no directory"}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return tooOpen(root, path, info.Mode())
	}
	return nil
}

func tooOpen(root *os.Root, path string, mode fs.FileMode) *PermissionError {
	path = filepath.Join(root.Name(), path)
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return &PermissionError{path, mode}
}

// makeAll makes a directory and those above it, so that they are there after a
// loss of power too: a record is lost with any directory that it is in.
func makeAll(dir string, step func(string) error) error {
	if dir == "" {
		return errors.New("a directory without a name")
	}
	if _, err := os.Stat(dir); err == nil {
		return nil // whether it is a directory, who opens it will see
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if parent != dir {
		if err := makeAll(parent, step); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent) //nolint:gosec // the path is the caller's configuration
	if errors.Is(err, fs.ErrPermission) {
		return nil // who may enter a directory, and not read it, cannot flush it
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return flush(f, "sync parent", step)
}

func makeDir(root *os.Root, path string) error {
	if err := root.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("filestore: %w", err)
	}
	return checkMode(root, path)
}
