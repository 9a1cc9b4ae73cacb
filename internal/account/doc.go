// Package account defines the types that all other packages share: apps, accounts,
// keys, tokens, events and errors. It validates ids, profile tags and app records.
// [Store] and [Records] are the contracts that each engine must implement, and
// [Error] is the only error type that carries meaning across packages.
//
// Of Rollcall it imports only packages region and usersig, so every other package may
// import it.
package account
