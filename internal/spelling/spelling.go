// Package spelling compares names that people typed with those that exist, so that a
// refusal can say which one was probably meant.
package spelling

// Distance returns how many bytes must be inserted, removed or replaced to turn a into
// b (Levenshtein's distance). It takes time in proportion to the product of their
// lengths, so callers bound texts of strangers.
func Distance(a, b string) int {
	var room [64]int // enough for most names, without an allocation
	row := room[:0]
	for j := range len(b) + 1 {
		row = append(row, j)
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
