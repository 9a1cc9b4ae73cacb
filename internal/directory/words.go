package directory

import "rollcall/internal/account"

// wordsOf returns the words of app.
func (d *Directory) wordsOf(app *account.App) *account.WordList {
	if len(app.Settings.Words) == 0 {
		return nil
	}
	return d.words.Of(app)
}
