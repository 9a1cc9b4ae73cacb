package main

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

const description = `Account service that speaks the account protocol of Tencent Cloud Chat and Live.
 It is self-hosted: the server and its command line in one static binary.`

// writePackages writes the packages of Debian and of RPM.
func writePackages(src *source, b binary, docs *documents, dir string) error {
	tmp, err := os.MkdirTemp("", "rollcall-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	contents, err := stage(src, b, docs, tmp)
	if err != nil {
		return err
	}
	for form, packager := range map[string]nfpm.Packager{"deb": deb.Default, "rpm": &rpm.RPM{}} {
		info := packageInfo(src, b, contents)
		if err := nfpm.PrepareForPackager(info, form); err != nil {
			return err
		}
		name := fmt.Sprintf("rollcall_%s_%s_%s.%s", src.number(), b.os, b.arch, form)
		if err := writePackage(packager, info, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func writePackage(p nfpm.Packager, info *nfpm.Info, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := p.Package(info, f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// packageInfo describes the package. Each package gets contents of its own, because a
// packager changes them.
func packageInfo(src *source, b binary, contents files.Contents) *nfpm.Info {
	scripts := filepath.Join(src.root, "deploy", "packaging")
	compression := fmt.Sprintf("gzip:%d", programLevel)
	own := make(files.Contents, len(contents))
	for i, c := range contents {
		content, info := *c, *c.FileInfo
		content.FileInfo = &info
		own[i] = &content
	}
	return nfpm.WithDefaults(&nfpm.Info{
		Name: "rollcall", Arch: b.arch, Platform: "linux", Version: src.version, VersionSchema: "semver",
		Section: "net", Priority: "optional", Maintainer: "The maintainers of Rollcall <rollcall@localhost>",
		Description: description, License: "Apache-2.0", MTime: src.date, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents: own,
			Scripts: nfpm.Scripts{
				PostInstall: filepath.Join(scripts, "postinstall.sh"),
				PreRemove:   filepath.Join(scripts, "preremove.sh"),
				PostRemove:  filepath.Join(scripts, "postremove.sh"),
			},
			RPM: nfpm.RPM{BuildHost: "localhost", Compression: compression, Summary: "Self-hosted account service"},
			Deb: nfpm.Deb{Compression: compression},
		},
	})
}

// stage writes the files of a package into tmp and returns where they belong.
func stage(src *source, b binary, docs *documents, tmp string) (files.Contents, error) {
	s := &stager{src: src, dir: tmp}
	s.add("/usr/bin/rollcall", b.body, 0o755)
	s.addFile("/etc/rollcall/rollcall.yml", "deploy/packaging/rollcall.yml", 0o640, files.TypeConfigNoReplace)
	for _, unit := range []string{"rollcall.service", "rollcall.socket", "rollcall-admin.socket"} {
		s.addFile("/usr/lib/systemd/system/"+unit, "deploy/systemd/"+unit, 0o644, files.TypeFile)
	}
	s.addFile("/usr/lib/sysusers.d/rollcall.conf", "deploy/systemd/rollcall.sysusers", 0o644, files.TypeFile)
	for _, d := range docs.plain {
		name := d.name
		if name == "LICENSE" {
			name = "copyright" // as Debian calls it
		}
		s.add("/usr/share/doc/rollcall/"+name, d.body, 0o644)
	}
	for _, m := range docs.manuals {
		page, err := compressed(m.body, gzip.BestCompression) // as the policy of Debian asks
		if err != nil {
			return nil, err
		}
		s.add("/usr/share/man/man1/"+m.name+".gz", page, 0o644)
	}
	for _, c := range docs.completions {
		if c.name == "rollcall.zsh" {
			s.add("/usr/share/zsh/vendor-completions/_rollcall", c.body, 0o644).Packager = "deb"
			s.add("/usr/share/zsh/site-functions/_rollcall", c.body, 0o644).Packager = "rpm"
			continue
		}
		s.add(completionPath[c.name], c.body, 0o644)
	}
	return s.contents, s.err
}

// completionPath contains where shells look for completions. Distributions differ for zsh.
var completionPath = map[string]string{
	"rollcall.bash": "/usr/share/bash-completion/completions/rollcall",
	"rollcall.fish": "/usr/share/fish/vendor_completions.d/rollcall.fish",
}

// A stager writes files for a packager, which reads them by their names.
type stager struct {
	src      *source
	dir      string
	contents files.Contents
	err      error // the first one
}

// add adds a file with body.
func (s *stager) add(to string, body []byte, mode fs.FileMode) *files.Content {
	return s.put(to, body, mode, files.TypeFile)
}

// addFile adds the file from of the repository.
func (s *stager) addFile(to, from string, mode fs.FileMode, kind string) {
	body, err := os.ReadFile(filepath.Join(s.src.root, filepath.FromSlash(from)))
	if err != nil && s.err == nil {
		s.err = err
	}
	s.put(to, body, mode, kind)
}

func (s *stager) put(to string, body []byte, mode fs.FileMode, kind string) *files.Content {
	file := filepath.Join(s.dir, fmt.Sprint(len(s.contents)))
	if err := os.WriteFile(file, body, 0o600); err != nil && s.err == nil {
		s.err = err
	}
	c := &files.Content{
		Source: file, Destination: to, Type: kind,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: s.src.date},
	}
	s.contents = append(s.contents, c)
	return c
}
