package backups

import (
	"rollcall/internal/adminapi"
	"rollcall/internal/repository"
)

// Shown returns backups in the form of the admin API.
func Shown(all []repository.Listed) []adminapi.StoredBackup {
	shown := make([]adminapi.StoredBackup, len(all))
	for i, b := range all {
		shown[i] = adminapi.StoredBackup{
			ID: b.ID, Encrypted: b.Recipients != "", CreatedAt: b.Created, Version: b.Version, Store: b.Store, Accounts: b.Contents.Accounts, Apps: b.Contents.Apps,
			Bytes: b.Bytes, NewBytes: b.NewBytes, TookMS: b.TookMS, Digest: b.Contents.Digest,
		}
		if b.Fault != nil {
			shown[i].Fault = b.Fault.Error()
		}
	}
	return shown
}
