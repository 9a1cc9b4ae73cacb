// Package bulk imports large numbers of accounts: from streams of clients, and from files
// on the server, which are jobs. How far an import is, is stored in the commit of its rows.
// So after a crash at any moment each row is imported once and has one verdict.
//
// Rows pass three goroutines. One reads the body and decompresses it; one divides it into
// lines and decodes them into a chunk; one commits the chunk before it. Each waits for the
// next one, so a slow store, a pause and a rate slow the client down.
package bulk
