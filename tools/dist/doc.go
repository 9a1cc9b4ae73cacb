// Command dist builds a release of Rollcall in a directory: archives of static binaries,
// packages of Debian and of RPM, npm packages, OCI images, the licences of all modules, an
// SBOM, and the checksums of all these files. The bytes depend on nothing but the commit,
// the version and the version of Go: built twice, they are equal.
//
//	cd tools && go run ./dist --version v1.2.3 --out ../dist
//
// It needs Go, git, and the module proxy, but neither an engine of containers nor the
// tools of Debian, RPM or npm.
package main
