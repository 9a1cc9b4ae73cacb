// Package view contains the pages of the console as templ components. A page is a function
// of a [Page] and of what it shows. It reads nothing and changes nothing.
//
// The files *_templ.go are generated.
package view

//go:generate go tool -modfile=../../../tools/go.mod templ generate -log-level error -path .
