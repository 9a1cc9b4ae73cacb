package client

// Base URLs of the vendor's data centres, for [Options.BaseURL]. An app lives in
// one of them; the others answer [CodeAppNotFound]. Each has a backup host
// (protocol.md §1.3, where the last two are not in the vendor's newest pages).
const (
	China         = "https://console.tim.qq.com"
	Singapore     = "https://adminapisgp.im.qcloud.com"
	Seoul         = "https://adminapikr.im.qcloud.com"
	Tokyo         = "https://adminapijpn.im.qcloud.com"
	Frankfurt     = "https://adminapiger.im.qcloud.com"
	SiliconValley = "https://adminapiusa.im.qcloud.com"
	Jakarta       = "https://adminapiidn.im.qcloud.com"
	SaudiArabia   = "https://adminapiksa.im.qcloud.com"
	Mumbai        = "https://adminapiind.im.qcloud.com"

	ChinaBackup         = "https://adminapi.my-imcloud.com"
	SingaporeBackup     = "https://adminapisgp.my-imcloud.com"
	SeoulBackup         = "https://adminapikr.my-imcloud.com"
	TokyoBackup         = "https://adminapijpn.my-imcloud.com"
	FrankfurtBackup     = "https://adminapiger.my-imcloud.com"
	SiliconValleyBackup = "https://adminapiusa.my-imcloud.com"
	JakartaBackup       = "https://adminapiidn.my-imcloud.com"
	SaudiArabiaBackup   = "https://adminapiksa.my-imcloud.com"
	MumbaiBackup        = "https://adminapiind.my-imcloud.com"
)
