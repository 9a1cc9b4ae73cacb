package server

import (
	"context"
	"log/slog"

	"rollcall/internal/config"
	"rollcall/internal/seed"
	"rollcall/internal/wire"
)

// CheckFiles reads the certificate, the key, the password and the seed files that c names, like [Open],
// and returns an error if they cannot be used. It creates nothing.
func CheckFiles(c config.Config) error {
	return (&Server{o: Options{Config: c}}).readFiles()
}

// readFiles reads the certificate, the key, the password and the seed files that the settings name.
func (s *Server) readFiles() (err error) {
	if s.o.TLSCert != "" {
		if s.certificate, err = newCertificate(s.o.TLSCert, s.o.TLSKey, s.o.Logger); err != nil {
			return err
		}
	}
	if s.o.KeyFile != "" {
		if s.key, err = readKey(s.o.KeyFile); err != nil {
			return err
		}
	}
	if s.o.RedisPasswordFile != "" {
		if s.redisPassword, err = readRedisPassword(s.o.RedisPasswordFile); err != nil {
			return err
		}
	}
	for _, name := range s.o.Seed {
		f, err := seed.Read(name, wire.CommandNames())
		if err != nil {
			return err
		}
		s.seeds = append(s.seeds, f)
	}
	return s.checkNames()
}

// applySeeds applies the seed files.
func (s *Server) applySeeds(ctx context.Context) error {
	for i, f := range s.seeds {
		r, err := f.Apply(ctx, s.dir)
		if err != nil {
			return err
		}
		s.o.Logger.Info("applied a seed file", slog.String("file", s.o.Seed[i]), slog.Int("apps", r.Apps), slog.Int("accounts", r.Accounts), slog.Int("devices", r.Devices))
	}
	return nil
}
