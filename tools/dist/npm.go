package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// npmDir is the source of the npm package that chooses among those of the platforms.
const npmDir = "packages/rollcall"

// npmFiles are the files of that package besides package.json.
var npmFiles = []string{"bin/rollcall.js", "index.js", "index.d.ts", "README.md", "README.zh-CN.md"}

// npmName returns the name of the npm package of p, in the words of Node.
func npmName(p platform) string {
	arch := p.arch
	if arch == "amd64" {
		arch = "x64"
	}
	return "rollcall-" + p.os + "-" + arch
}

// writeNPMMain writes the package rollcall. It depends on the packages of all platforms;
// npm installs the one that fits.
func writeNPMMain(src *source, targets []platform, dir string) error {
	root := filepath.Join(src.root, filepath.FromSlash(npmDir))
	text, err := os.ReadFile(filepath.Join(root, "package.json"))
	if err != nil {
		return err
	}
	var manifest map[string]any
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("%s/package.json: %w", npmDir, err)
	}
	platforms := map[string]string{}
	for _, p := range targets {
		platforms[npmName(p)] = src.number()
	}
	manifest["version"], manifest["optionalDependencies"] = src.number(), platforms
	var entries []entry
	for _, name := range npmFiles {
		body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if path.Dir(name) == "bin" {
			mode = 0o755
		}
		entries = append(entries, entry{"package/" + name, body, mode})
	}
	license, err := os.ReadFile(filepath.Join(src.root, "LICENSE"))
	if err != nil {
		return err
	}
	return writeNPM(src, "rollcall", manifest, append(entries, entry{"package/LICENSE", license, 0o644}), dir)
}

// writeNPMPlatform writes the package with the program of a platform.
func writeNPMPlatform(src *source, b binary, docs *documents, dir string) error {
	name := npmName(b.platform)
	arch := "x64"
	if b.arch != "amd64" {
		arch = b.arch
	}
	manifest := map[string]any{
		"name": name, "version": src.number(), "license": "Apache-2.0",
		"description": fmt.Sprintf("The program of the package rollcall for %s.", b),
		"os":          []string{b.os}, "cpu": []string{arch}, "preferUnplugged": true,
	}
	entries := []entry{{"package/bin/rollcall", b.body, 0o755}}
	for _, d := range docs.plain {
		if d.name == "LICENSE" || d.name == licensesFile {
			entries = append(entries, entry{"package/" + d.name, d.body, d.mode})
		}
	}
	return writeNPM(src, name, manifest, entries, dir)
}

// writeNPM writes a package as npm pack names it.
func writeNPM(src *source, name string, manifest map[string]any, entries []entry, dir string) error {
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	entries = append(entries, entry{"package/package.json", append(text, '\n'), 0o644})
	return writeTarGz(filepath.Join(dir, fmt.Sprintf("%s-%s.tgz", name, src.number())), entries, src.date)
}
