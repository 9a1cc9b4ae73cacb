package client

import "rollcall/internal/region"

// Base URLs of the vendor's data centres, for [Options.BaseURL]. An app belongs to one
// data centre; the others return [CodeAppNotFound]. Each data centre has a backup host.
const (
	China, ChinaBackup                 = scheme + region.China, scheme + region.ChinaBackup
	Singapore, SingaporeBackup         = scheme + region.Singapore, scheme + region.SingaporeBackup
	Seoul, SeoulBackup                 = scheme + region.Seoul, scheme + region.SeoulBackup
	Tokyo, TokyoBackup                 = scheme + region.Tokyo, scheme + region.TokyoBackup
	Frankfurt, FrankfurtBackup         = scheme + region.Frankfurt, scheme + region.FrankfurtBackup
	SiliconValley, SiliconValleyBackup = scheme + region.SiliconValley, scheme + region.SiliconValleyBackup
	Jakarta, JakartaBackup             = scheme + region.Jakarta, scheme + region.JakartaBackup
	SaudiArabia, SaudiArabiaBackup     = scheme + region.SaudiArabia, scheme + region.SaudiArabiaBackup
	Mumbai, MumbaiBackup               = scheme + region.Mumbai, scheme + region.MumbaiBackup
)

const scheme = "https://"
