package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// A binary is the program for one platform.
type binary struct {
	platform
	body []byte
}

// build writes all files of a release into dir.
func build(ctx context.Context, src *source, targets []platform, dir string) error {
	mods, err := modules(ctx, src.root, targets)
	if err != nil {
		return err
	}
	docs, err := newDocuments(src, mods)
	if err != nil {
		return err
	}
	var built []binary
	for _, p := range targets {
		b, err := compile(ctx, src, p)
		if err != nil {
			return err
		}
		built = append(built, b)
	}
	if err := docs.addGenerated(ctx, src, built); err != nil {
		return err
	}
	if err := pack(src, built, docs, dir); err != nil {
		return err
	}
	if err := writeNPMMain(src, targets, dir); err != nil {
		return err
	}
	if err := writeSBOM(src, mods, dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, licensesFile), docs.licenses, 0o644); err != nil {
		return err
	}
	return writeSums(dir)
}

// pack writes everything that contains a binary. Most of its time goes into gzip, which uses
// one processor, so it writes as many files at once as there are processors.
func pack(src *source, built []binary, docs *documents, dir string) error {
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for _, b := range built {
		steps := []func(*source, binary, *documents, string) error{writeTarball, writeNPMPlatform}
		if b.os == "linux" {
			steps = append(steps, writePackages, writeImage)
		}
		for _, step := range steps {
			all.Go(func() error {
				if err := step(src, b, docs, dir); err != nil {
					return fmt.Errorf("%s: %w", b, err)
				}
				return nil
			})
		}
	}
	return all.Wait()
}

// compile builds the program for p. Nothing of the machine and of its environment gets into
// the bytes.
func compile(ctx context.Context, src *source, p platform) (binary, error) {
	fmt.Fprintf(os.Stderr, "dist: building %s for %s\n", src.version, p)
	tmp, err := os.MkdirTemp("", "rollcall-dist-")
	if err != nil {
		return binary{}, err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "rollcall")
	flags := fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s -X main.date=%s",
		src.version, src.commit, src.date.Format(time.RFC3339))
	_, err = output(ctx, src.root, goEnv(src, p), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", flags, "-o", file, "./cmd/rollcall")
	if err != nil {
		return binary{}, err
	}
	body, err := os.ReadFile(file)
	return binary{p, body}, err
}

// goEnv returns the variables of a build for p.
func goEnv(src *source, p platform) []string {
	return []string{
		"GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOFIPS140=off",
		"GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOWORK=off", "GOTOOLCHAIN=go" + src.goVer,
	}
}
