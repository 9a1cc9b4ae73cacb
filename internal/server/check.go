package server

// CheckFiles reads the certificate and the key that o names, as [Open] does before
// it opens anything, and returns what is wrong with them. It creates nothing.
func (o Options) CheckFiles() error {
	if o.TLSCert != "" {
		if _, err := newCertificate(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return err
		}
	}
	if o.Credentials.KeyFile != "" {
		if _, err := readKey(o.Credentials.KeyFile); err != nil {
			return err
		}
	}
	return nil
}
