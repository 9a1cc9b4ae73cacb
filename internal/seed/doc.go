// Package seed reads files with test apps, their accounts and the virtual devices of these,
// and applies them to a directory. A server applies its seed files at each start.
//
// A file is YAML, or JSON, which is a part of YAML. Files are read strictly: an unknown
// name, a wrong type or a name that occurs twice is an error with the number of its line.
//
//	apps:
//	  - sdkappid: 1400000002
//	    name: shop
//	    edition: standard
//	    secret: 5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e
//	    admins: [boss]
//	    settings:
//	      allow_delete: true
//	      custom_tags: [{key: team}]
//	    accounts:
//	      - userid: alice
//	        nick: Alice
//	        profile:
//	          Tag_Profile_IM_Level: 7
//	          Tag_Profile_Custom_team: red
//	        custom_status: busy
//	        devices:
//	          - platform: Android
//	            address: 192.0.2.7
//	          - {platform: iPhone, state: push}
//
// Applying a file again has no further effect. It never removes anything.
package seed
