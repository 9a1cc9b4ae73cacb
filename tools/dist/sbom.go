package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbomFile lists the components of the binaries in the JSON of CycloneDX.
const sbomFile = "sbom.cdx.json"

// writeSBOM writes the list of components. It has no serial number, which would be another
// one in every build.
func writeSBOM(src *source, mods []*module, dir string) error {
	bom := cdx.NewBOM()
	main := cdx.Component{
		BOMRef: "rollcall", Type: cdx.ComponentTypeApplication, Name: "rollcall", Version: src.version,
		Licenses:   licenseChoices([]string{"Apache-2.0"}),
		Properties: &[]cdx.Property{{Name: "vcs.revision", Value: src.commit}},
	}
	bom.Metadata = &cdx.Metadata{Timestamp: src.date.Format(time.RFC3339), Component: &main}
	std := cdx.Component{
		BOMRef: "pkg:golang/std@" + src.goVer, PackageURL: "pkg:golang/std@" + src.goVer,
		Type: cdx.ComponentTypeLibrary, Name: "std", Version: "go" + src.goVer, Licenses: licenseChoices([]string{"BSD-3-Clause"}),
	}
	components := []cdx.Component{std}
	for _, m := range mods {
		components = append(components, component(m))
	}
	refs := make([]string, len(components))
	for i, c := range components {
		refs[i] = c.BOMRef
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sbomFile), b.Bytes(), 0o644)
}

// component describes a module.
func component(m *module) cdx.Component {
	purl := "pkg:golang/" + m.path + "@" + strings.ReplaceAll(m.version, "+", "%2B")
	c := cdx.Component{
		BOMRef: purl, PackageURL: purl, Type: cdx.ComponentTypeLibrary,
		Name: m.path, Version: m.version, Licenses: licenseChoices(m.licenses),
	}
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:")); err == nil && len(sum) == 32 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return c
}

func licenseChoices(ids []string) *cdx.Licenses {
	var l cdx.Licenses
	for _, id := range ids {
		l = append(l, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	return &l
}
