// Package record encodes accounts as the embedded engine stores them: their names, which
// are in keys and in memory, too (names.go), accounts and tombstones (codec.go), and
// operands, which are stored changes that are applied later (operand.go).
//
// All of these encodings are in data directories. A change that cannot read older data
// needs a new format of the engine.
package record
