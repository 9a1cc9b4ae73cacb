package server

import "rollcall/internal/config"

// CheckFiles reads the certificate and the key that c names, like [Open], and returns an
// error if they cannot be used. It creates nothing.
func CheckFiles(c config.Config) error {
	return (&Server{o: Options{Config: c}}).readFiles()
}

// readFiles reads the certificate and the key that the settings name.
func (s *Server) readFiles() (err error) {
	if s.o.TLSCert != "" {
		if s.certificate, err = newCertificate(s.o.TLSCert, s.o.TLSKey, s.o.Logger); err != nil {
			return err
		}
	}
	if s.o.KeyFile != "" {
		s.key, err = readKey(s.o.KeyFile)
	}
	return err
}
