//go:build !unix

package pebble

// allocate returns n zero bytes.
func allocate(n int) []byte { return make([]byte, n) }

func release([]byte) {}
