//go:build !unix

package roster

// allocate returns n zero bytes.
func allocate(n int) []byte { return make([]byte, n) }

func release([]byte) {}
