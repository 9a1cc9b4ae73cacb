package console

import (
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// appRates shows which calls the rate limits would have refused.
func (v *visit) appRates() (*content, error) {
	request := v.ofApp("rateReport", nil)
	report, err := call[adminapi.RateReport](v, request)
	if err != nil {
		return nil, err
	}
	return &content{page: view.AppRatesPage(&v.Page, &report, request)}, nil
}
