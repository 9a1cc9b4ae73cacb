package copying

// InBatches returns o with batches of a number of rows.
func (o Options) InBatches(rows int) Options {
	o.rows = rows
	return o
}
