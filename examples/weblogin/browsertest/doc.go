// Package browsertest walks through examples/weblogin with a real Chromium. It
// is a module of its own, so that nobody who uses the library gets its
// dependencies.
package browsertest
