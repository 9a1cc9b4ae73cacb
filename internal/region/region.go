// Package region lists the vendor's data centres with their names and hosts.
package region

// Hosts of the data centres. Each data centre also has a backup host. An app
// belongs to one data centre, and the others respond with 70020. The source is
// protocol.md §1.3. The vendor's newest pages do not contain the last two data
// centres.
const (
	China, ChinaBackup                 = "console.tim.qq.com", "adminapi.my-imcloud.com"
	Singapore, SingaporeBackup         = "adminapisgp.im.qcloud.com", "adminapisgp.my-imcloud.com"
	Seoul, SeoulBackup                 = "adminapikr.im.qcloud.com", "adminapikr.my-imcloud.com"
	Tokyo, TokyoBackup                 = "adminapijpn.im.qcloud.com", "adminapijpn.my-imcloud.com"
	Frankfurt, FrankfurtBackup         = "adminapiger.im.qcloud.com", "adminapiger.my-imcloud.com"
	SiliconValley, SiliconValleyBackup = "adminapiusa.im.qcloud.com", "adminapiusa.my-imcloud.com"
	Jakarta, JakartaBackup             = "adminapiidn.im.qcloud.com", "adminapiidn.my-imcloud.com"
	SaudiArabia, SaudiArabiaBackup     = "adminapiksa.im.qcloud.com", "adminapiksa.my-imcloud.com"
	Mumbai, MumbaiBackup               = "adminapiind.im.qcloud.com", "adminapiind.my-imcloud.com"
)

// regions are all data centres.
var regions = []struct{ name, host, backup string }{
	{name: "china", host: China, backup: ChinaBackup},
	{name: "singapore", host: Singapore, backup: SingaporeBackup},
	{name: "seoul", host: Seoul, backup: SeoulBackup},
	{name: "tokyo", host: Tokyo, backup: TokyoBackup},
	{name: "frankfurt", host: Frankfurt, backup: FrankfurtBackup},
	{name: "silicon-valley", host: SiliconValley, backup: SiliconValleyBackup},
	{name: "jakarta", host: Jakarta, backup: JakartaBackup},
	{name: "saudi-arabia", host: SaudiArabia, backup: SaudiArabiaBackup},
	{name: "mumbai", host: Mumbai, backup: MumbaiBackup},
}

// Names returns the names of the data centres.
func Names() []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.name
	}
	return names
}

// Hosts returns the hosts of all data centres, each followed by its backup.
func Hosts() []string {
	var hosts []string
	for _, r := range regions {
		hosts = append(hosts, r.host, r.backup)
	}
	return hosts
}

// Host returns the main host of the data centre with a name, or "" if there is none.
func Host(name string) string {
	for _, r := range regions {
		if name == r.name {
			return r.host
		}
	}
	return ""
}

// Of returns the name of the data centre that host belongs to, or "" if it
// belongs to none. Host must be in lower case and without a port.
func Of(host string) string {
	for _, r := range regions {
		if host == r.host || host == r.backup {
			return r.name
		}
	}
	return ""
}
