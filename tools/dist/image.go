package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// imageUser is the number of the user and the group of the server in an image.
const imageUser = 65532

// imageData is the volume of an image.
const imageData = "/var/lib/rollcall"

// writeImage writes an image as a tar in the layout of OCI. It has a manifest.json besides,
// for engines that read only the older form of "docker load".
func writeImage(src *source, b binary, docs *documents, dir string) error {
	img, err := image(src, b, docs)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "rollcall-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path, err := layout.Write(tmp, empty.Index)
	if err != nil {
		return err
	}
	tag := "rollcall:" + src.number()
	err = path.AppendImage(img, layout.WithPlatform(v1.Platform{OS: b.os, Architecture: b.arch}), layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": src.number(),
		"io.containerd.image.name":          "docker.io/library/" + tag,
	}))
	if err != nil {
		return err
	}
	entries, err := readTree(tmp)
	if err != nil {
		return err
	}
	manifest, err := dockerManifest(img, tag)
	if err != nil {
		return err
	}
	body, err := tarOf(append(entries, entry{"manifest.json", manifest, 0o644}), nil, src.date)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("rollcall_%s_%s_%s.oci.tar", src.number(), b.os, b.arch)
	return os.WriteFile(filepath.Join(dir, name), body, 0o644)
}

// image returns an image of one layer: the binary, and the directory of its data.
func image(src *source, b binary, docs *documents) (v1.Image, error) {
	data := imageData[1:] + "/"
	program := []entry{
		{"rollcall", b.body, 0o755},
		{"etc/passwd", fmt.Appendf(nil, "rollcall:x:%d:%d::%s:/\n", imageUser, imageUser, imageData), 0o644},
		{"etc/group", fmt.Appendf(nil, "rollcall:x:%d:\n", imageUser), 0o644},
		{"tmp/", nil, 0o1777},
		{data, nil, 0o700},
	}
	for _, d := range docs.plain {
		if d.name == "LICENSE" || d.name == licensesFile {
			program = append(program, entry{"licenses/" + d.name, d.body, 0o644})
		}
	}
	root, err := layer(program, map[string]int{data: imageUser}, src.date)
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), root)
	if err != nil {
		return nil, err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cfg = cfg.DeepCopy()
	configure(cfg, src, b)
	return mutate.ConfigFile(img, cfg)
}

// configure says how to run the image. Its addresses need --insecure-listen or a certificate,
// as on any server that is reached from outside.
func configure(cfg *v1.ConfigFile, src *source, b binary) {
	cfg.OS, cfg.Architecture, cfg.Created = b.os, b.arch, v1.Time{Time: src.date}
	for i := range cfg.History {
		cfg.History[i] = v1.History{Created: cfg.Created, CreatedBy: "rollcall " + src.version}
	}
	cfg.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", imageUser, imageUser), WorkingDir: imageData, Entrypoint: []string{"/rollcall"}, Cmd: []string{"serve"},
		Env: []string{
			"ROLLCALL_CFG_DATA=" + imageData,
			"ROLLCALL_CFG_LISTEN=:7580",
			"ROLLCALL_CFG_ADMIN_LISTEN=127.0.0.1:7581",
			"ROLLCALL_CFG_ADMIN_TOKEN_FILE=" + imageData + "/admin.token",
		},
		ExposedPorts: map[string]struct{}{"7580/tcp": {}},
		Volumes:      map[string]struct{}{imageData: {}},
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/rollcall", "healthcheck"}, Interval: 10 * time.Second, Timeout: 5 * time.Second,
			StartPeriod: 5 * time.Minute, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Rollcall",
			"org.opencontainers.image.version":  src.version,
			"org.opencontainers.image.revision": src.commit,
			"org.opencontainers.image.created":  src.date.Format(time.RFC3339),
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
}

// layer returns a layer of entries.
func layer(entries []entry, owners map[string]int, at time.Time) (v1.Layer, error) {
	body, err := tarOf(entries, owners, at)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

// dockerManifest returns the manifest.json of an image.
func dockerManifest(img v1.Image, tag string) ([]byte, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, blob(l.Digest))
	}
	return json.Marshal([]any{map[string]any{"Config": blob(m.Config.Digest), "RepoTags": []string{tag}, "Layers": layers}})
}

// readTree returns all files below dir.
func readTree(dir string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(p)
		entries = append(entries, entry{filepath.ToSlash(name), body, 0o644})
		return err
	})
	return entries, err
}
