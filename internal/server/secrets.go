package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/durable"
	"rollcall/internal/private"
)

// prepareTokens stores the token of --admin-token-file.
func (s *Server) prepareTokens(ctx context.Context) error {
	if s.o.AdminTokenFile == "" {
		return s.hintNoToken(ctx)
	}
	if s.adminToken == "" {
		if err := s.lateToken(ctx); err != nil {
			return err
		}
	}
	if err := s.warnOtherToken(ctx); err != nil {
		return err
	}
	return s.dir.AdoptToken(ctx, directory.BootstrapToken, s.adminToken, 0)
}

// earlyToken returns the token in file, before the store is open. If the file does not exist,
// earlyToken creates it, except on a database; see [Server.lateToken].
func (s *Server) earlyToken(file string) (string, error) {
	text, err := readToken(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if s.shared {
		return "", nil
	}
	return createToken(file)
}

// lateToken creates the file of a token on a database, once the server may use it. It refuses
// a missing file if another server of the database has a token, because a new one would
// replace the token of all servers.
func (s *Server) lateToken(ctx context.Context) (err error) {
	file := s.o.AdminTokenFile
	tokens, err := s.dir.Tokens(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tokens, func(t *account.Token) bool { return t.Name == directory.BootstrapToken }) {
		s.adminToken, err = createToken(file)
		return err
	}
	s.adminToken, err = readToken(file) // a server that has the same file may have created it meanwhile
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--admin-token-file %s does not exist, and other servers of the database have a token already; copy the file from one of them, or write another token for all of them into it: rct_ and 43 characters of base64url", file)
	}
	return err
}

// warnOtherToken logs a warning if the token of --admin-token-file replaces that of another
// server of the database.
func (s *Server) warnOtherToken(ctx context.Context) error {
	if !s.shared {
		return nil
	}
	hash := account.HashToken(s.adminToken)
	tokens, err := s.dir.Tokens(ctx)
	if slices.ContainsFunc(tokens, func(t *account.Token) bool { return t.Name == directory.BootstrapToken && t.Hash != hash }) {
		s.o.Logger.Warn("the token of --admin-token-file replaces the one of an earlier file, which no server accepts now; copy the file to all servers of the database, and restart none of them with another token")
	}
	return err
}

// hintNoToken logs how to get a token if the admin API is served but has no usable token.
// A developer's server creates its own token.
func (s *Server) hintNoToken(ctx context.Context) error {
	if s.o.Developer() || !s.servesAdmins() {
		return nil
	}
	tokens, err := s.dir.Tokens(ctx)
	usable := func(t *account.Token) bool { return t.Name != directory.ContextToken } // the start removes that one
	if err == nil && !slices.ContainsFunc(tokens, usable) {
		s.o.Logger.Warn("nobody can call the admin API, because there is no token: give --admin-token-file, whose file is made with one if it does not exist")
	}
	return err
}

// maxTokenFile is larger than any token, in bytes.
const maxTokenFile = 1 << 10

// readToken returns the token in file, or [fs.ErrNotExist].
func readToken(file string) (string, error) {
	f, err := private.OpenSecret(file)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("--admin-token-file %s cannot be read: permission denied; give it to the user of the server, with mode 0600", file)
	}
	if err != nil {
		return "", fmt.Errorf("--admin-token-file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", fmt.Errorf("--admin-token-file: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if !directory.ValidTokenText(text) {
		return "", fmt.Errorf("--admin-token-file %s holds no token: remove it to have one made, or put rct_ and 43 characters of base64url in it", file)
	}
	return text, nil
}

// createToken creates a token and writes it to file.
func createToken(file string) (string, error) {
	text := directory.NewTokenText()
	err := durable.Create(file, []byte(text+"\n"))
	if errors.Is(err, fs.ErrExist) { // another server has created it meanwhile
		return readToken(file)
	}
	if err != nil {
		return "", tokenFault(file, err)
	}
	return text, nil
}

// tokenFault returns err, an error of creating the file of a token, with the remedy.
func tokenFault(file string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("--admin-token-file %s does not exist and cannot be created: let the user of the server write to %s, name a file in the data directory, or create the file with a token: rct_ and 43 characters of base64url", file, filepath.Dir(file))
	}
	return fmt.Errorf("--admin-token-file: %w", err)
}

// contextToken returns the token of a developer's server for its context file, or "" for
// any other server. It keeps the token of the last start while the store has it.
func (s *Server) contextToken(ctx context.Context) (string, error) {
	if !s.o.Developer() {
		return "", nil
	}
	if s.o.Data != "" {
		last, err := ReadContext(filepath.Join(s.o.Data, ContextFile))
		if err == nil && s.knowsContextToken(ctx, last.AdminToken) {
			return last.AdminToken, nil
		}
	}
	text, others := directory.NewTokenText(), 0
	if s.shared {
		others = maxContextTokens - 1
	}
	return text, s.dir.AdoptToken(ctx, directory.ContextToken, text, others)
}

// maxContextTokens is the number of developer's servers that may use one database, each with
// a data directory and a token of its own.
const maxContextTokens = 16

func (s *Server) knowsContextToken(ctx context.Context, text string) bool {
	t, err := s.dir.Authenticate(ctx, text)
	return err == nil && t.Name == directory.ContextToken && t.Allows(account.ScopeAdmin)
}
