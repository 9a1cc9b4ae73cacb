package repository

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// memory is a backend in memory, for tests of many steps.
type memory struct {
	mu     sync.Mutex
	files  map[string][]byte
	locked bool
}

func (m *memory) put(_ context.Context, name string, c content) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = b
	return err
}

func (m *memory) get(_ context.Context, name string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) list(_ context.Context, prefix string, fn func(string, int64) error) error {
	m.mu.Lock()
	sizes := map[string]int64{}
	for name, b := range m.files {
		if strings.HasPrefix(name, prefix) {
			sizes[name] = int64(len(b))
		}
	}
	m.mu.Unlock()
	for name, n := range sizes {
		if err := fn(name, n); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) remove(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

func (m *memory) settle(context.Context, string) error { return nil }

func (m *memory) lock(ctx context.Context) (context.Context, func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, nil, ErrLocked
	}
	m.locked = true
	return ctx, func() { m.mu.Lock(); m.locked = false; m.mu.Unlock() }, nil
}

func (m *memory) empty(context.Context) (bool, error) { return len(m.files) == 0, nil }

func (m *memory) close() error { return nil }

// content returns the content of the files of a backup.
func (k *kit) content(id string) map[string]string {
	k.t.Helper()
	b, err := k.Backup(k.t.Context(), id)
	if err != nil {
		k.t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range b.Files {
		o, _ := b.object(f)
		var out strings.Builder
		if err := k.copyObject(k.t.Context(), o, &out, func(int) {}); err != nil {
			k.t.Fatal(err)
		}
		files[strings.TrimPrefix(f.Path, "accounts/")] = out.String()
	}
	return files
}
