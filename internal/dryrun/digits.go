package dryrun

import "rollcall/internal/account"

// digitIDs counts the ids that are digits, by their length, to find those that have lost
// zeros at their beginning.
type digitIDs struct {
	rows  [account.MaxUserIDBytes + 1]int64
	zeros [account.MaxUserIDBytes + 1]int64 // those that begin with a zero
	first [account.MaxUserIDBytes + 1][]Example
}

// add counts an id of digits. example returns it for the report.
func (d *digitIDs) add(id []byte, example func() Example) {
	n := len(id)
	d.rows[n]++
	if id[0] == '0' {
		d.zeros[n]++
	}
	if len(d.first[n]) < maxExamples {
		d.first[n] = append(d.first[n], example())
	}
}

// Lost zeros are suspected only of ids like phone numbers, which are not counted up.
const (
	fewestDigits   = 6
	percentShorter = 15 // of the ids of the usual length, at most
	percentDense   = 10 // of all numbers of a length, at most
)

// lost returns the usual length of ids of digits, and the number of ids that seem to have
// lost zeros: they are one to three digits shorter, and no other id begins with a zero. They
// are only a few of all, as one in ten numbers begins with a zero; and they are only a few
// of the numbers of their length, unlike those of a program that counts up.
func (d *digitIDs) lost() (usual int, rows int64, first []Example) {
	for n := range d.rows {
		if d.rows[n] > d.rows[usual] {
			usual = n
		}
	}
	if usual < fewestDigits || d.zeros[usual] > 0 {
		return usual, 0, nil
	}
	for n := usual - 1; n >= usual-3; n-- {
		rows += d.rows[n]
		first = append(first, d.first[n]...)
	}
	numbers := int64(9) // of the length before the usual one
	for range usual - 2 {
		numbers = min(numbers*10, 1<<56)
	}
	if rows*100 > d.rows[usual]*percentShorter || d.rows[usual-1] > numbers/100*percentDense {
		return usual, 0, nil
	}
	return usual, rows, first[:min(len(first), maxExamples)]
}
