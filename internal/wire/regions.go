package wire

// hosts are the vendor's main and backup hosts by data centre
// (protocol.md §1.3).
var hosts = map[string]string{
	"console.tim.qq.com":         "china",
	"adminapi.my-imcloud.com":    "china",
	"adminapisgp.im.qcloud.com":  "singapore",
	"adminapisgp.my-imcloud.com": "singapore",
	"adminapikr.im.qcloud.com":   "seoul",
	"adminapikr.my-imcloud.com":  "seoul",
	"adminapijpn.im.qcloud.com":  "tokyo",
	"adminapijpn.my-imcloud.com": "tokyo",
	"adminapiger.im.qcloud.com":  "frankfurt",
	"adminapiger.my-imcloud.com": "frankfurt",
	"adminapiusa.im.qcloud.com":  "silicon-valley",
	"adminapiusa.my-imcloud.com": "silicon-valley",
	"adminapiidn.im.qcloud.com":  "jakarta",
	"adminapiidn.my-imcloud.com": "jakarta",
	"adminapiksa.im.qcloud.com":  "saudi-arabia",
	"adminapiksa.my-imcloud.com": "saudi-arabia",
	"adminapiind.im.qcloud.com":  "mumbai",
	"adminapiind.my-imcloud.com": "mumbai",
}

// RegionOf returns the data centre that host, in lower case and without a
// port, belongs to, or "" for any other host.
func RegionOf(host string) string { return hosts[host] }
