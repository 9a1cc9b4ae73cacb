// Package spelling compares misspelt names with existing ones, so that an error
// message can suggest the name that was probably meant.
package spelling

// Distance returns the number of bytes that must be inserted, removed or
// replaced to turn a into b (Levenshtein distance). Its time is proportional to
// the product of both lengths, so callers must limit the length of untrusted
// texts.
func Distance(a, b string) int {
	var buf [64]int // avoids an allocation for most names
	row := buf[:0]
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
