package console

import "rollcall/internal/console/view"

// globalPages returns the pages outside apps, by their paths below Prefix.
func globalPages() map[string]*page {
	return map[string]*page{
		"":                {section: view.Start, title: "start.title", show: (*visit).start},
		"figures.csv":     {section: view.Start, title: "start.title", raw: (*visit).figuresTable},
		"try":             {section: view.Try, title: "try.title", raw: (*visit).anyTry},
		"new-app":         {section: view.Start, title: "newapp.title", show: (*visit).newApp},
		"server":          {section: view.Server, title: "server.title", show: (*visit).server},
		"server/tokens":   {section: view.Server, title: "tokens.title", show: (*visit).tokens},
		"server/audit":    {section: view.Server, title: "audit.title", show: (*visit).audit},
		"server/backups":  {section: view.Server, title: "backups.title", show: (*visit).backups},
		"server/jobs":     {section: view.Server, title: "jobs.title", show: (*visit).jobs},
		"server/settings": {section: view.Server, title: "serverset.title", show: (*visit).serverSettings},
	}
}

// appPages returns the pages of an app, by their paths below that of the app.
func appPages() map[string]*page {
	return map[string]*page{
		"accounts":        {section: view.Accounts, title: "accounts.title", show: (*visit).accounts},
		"accounts/export": {section: view.Accounts, title: "accounts.title", raw: (*visit).exportAccounts},
		"imports":         {section: view.Accounts, title: "imports.title", show: (*visit).imports, upload: (*visit).upload},
		"import":          {section: view.Accounts, title: "imports.one", show: (*visit).oneImport},
		"import/progress": {section: view.Accounts, title: "imports.one", raw: (*visit).importProgress},
		"import/rejected": {section: view.Accounts, title: "imports.one", raw: (*visit).rejectedTable},
		"online":          {section: view.Accounts, title: "devices.online", show: (*visit).online},
		"account":         {section: view.Accounts, title: "account.title", show: (*visit).account},

		"usersig":    {section: view.UserSig, title: "usersig.title", show: (*visit).userSig},
		"calls":      {section: view.Calls, title: "calls.title", show: (*visit).calls},
		"calls/rows": {section: view.Calls, title: "calls.title", raw: (*visit).callRows},
		"call":       {section: view.Calls, title: "call.title", show: (*visit).call},
		"try":        {section: view.Try, title: "try.title", show: (*visit).try},

		"app":          {section: view.App, title: "app.title", show: (*visit).app},
		"app/settings": {section: view.App, title: "appset.title", show: (*visit).appSettings},
		"app/keys":     {section: view.App, title: "keys.title", show: (*visit).appKeys},
		"app/webhook":  {section: view.App, title: "webhook.title", show: (*visit).webhook},
		"app/rates":    {section: view.App, title: "rates.title", show: (*visit).appRates},
		"app/testkit":  {section: view.App, title: "testkit.title", show: (*visit).appTestkit},
	}
}
