// Package account is the vocabulary of Rollcall: what an app and an account
// are, which ids and profile values are well formed, which operations a
// [Store] must provide, and which errors cross package boundaries.
//
// It imports nothing but the standard library, so every other package may
// import it.
package account
