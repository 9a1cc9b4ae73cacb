package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// run builds what args ask for.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	root := flags.String("root", "..", "directory of the clone")
	out := flags.String("out", "../dist", "directory to write; an earlier one is replaced")
	version := flags.String("version", "", "semantic version, as v1.2.3; by default that of git describe")
	only := flags.String("platforms", "", "platforms to build, as linux/amd64,darwin/arm64; by default all")
	dirty := flags.Bool("dirty", false, "build although files differ from the commit")
	check := flags.Bool("check-licenses", false, "build nothing; check the licences of all modules")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	targets, err := parsePlatforms(*only)
	if err != nil {
		return err
	}
	if *check {
		_, err := modules(ctx, *root, targets)
		return err
	}
	if !*dirty {
		if err := clean(ctx, *root); err != nil {
			return err
		}
	}
	src, err := newSource(ctx, *root, *version)
	if err != nil {
		return err
	}
	return buildInto(ctx, src, targets, *out)
}

// A platform is an operating system and an architecture, in the words of Go.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// platforms contains all that a release has. Windows is not among them: the locks and the
// memory maps of the embedded store do not exist there.
var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
}

// own is the platform of this program.
var own = platform{runtime.GOOS, runtime.GOARCH}

// parsePlatforms reads a list of platforms. An empty list stands for all.
func parsePlatforms(list string) ([]platform, error) {
	if list == "" {
		return platforms, nil
	}
	var found []platform
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(platforms, func(p platform) bool { return p.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no platform %q; a release has %v", name, platforms)
		}
		found = append(found, platforms[i])
	}
	return found, nil
}

// buildInto builds a release next to out, and puts it there when it is complete.
func buildInto(ctx context.Context, src *source, targets []platform, out string) error {
	if err := replaceable(out); err != nil {
		return err
	}
	partial := filepath.Clean(out) + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := build(ctx, src, targets, partial); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return os.Rename(partial, out)
}

// replaceable returns an error if out is a directory with something else than a release.
func replaceable(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(out, sumsFile)); err != nil {
		return fmt.Errorf("%s is not empty and contains no release; remove it, or name another directory with --out", out)
	}
	return nil
}
