//go:build unix && !linux

package filestore_test

func workers() map[string]func(dir string) error {
	return map[string]func(string) error{workerEnv: work}
}
