// Package exporter turns the stream of an export into files: it reads its rows, writes them
// as tables, compresses on all processors, and gives a file its name only when the file is
// whole.
package exporter
