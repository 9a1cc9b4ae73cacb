// Package record is the form in which the embedded engine stores accounts: their
// names, which are in keys and in memory too (names.go), accounts and what is
// left of those that were deleted (codec.go), and changes of accounts that are
// stored beside them, operands, which are applied later (operand.go).
//
// All of it lies in data directories. What this package has once written it must
// read for ever, or the engine's format changes.
package record
