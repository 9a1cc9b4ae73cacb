// Package backups makes the backups of a server in a repository: on a schedule, and on
// request. It prunes the repository after each backup, and restores a backup for a trial.
package backups

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"rollcall/internal/backup"
	"rollcall/internal/config"
	"rollcall/internal/repository"
)

// Settings are the checked settings of backups.
type Settings struct {
	Place    string // of the repository; "" for none
	Options  repository.Options
	Schedule cron.Schedule
	Drills   cron.Schedule // nil for none, as Schedule
	Keep     *repository.Keep
}

// parser reads five fields, or a word such as @daily.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse returns the settings of c. If they are wrong, it returns the key of a setting and
// an error whose text continues a sentence that begins with its name.
func Parse(c *config.Config) (s Settings, key string, err error) {
	for _, other := range [][2]string{
		{"backup_s3_credentials_file", c.BackupS3CredentialsFile},
		{"backup_age_recipients", strings.Join(c.BackupAgeRecipients, ",")},
		{"backup_schedule", c.BackupSchedule},
		{"backup_keep", c.BackupKeep},
		{"backup_drill_schedule", c.BackupDrillSchedule},
	} {
		if other[1] != "" && c.BackupTo == "" {
			return s, other[0], errors.New("needs {backup_to}: name the place of the backups, or leave it out")
		}
	}
	if c.BackupTo == "" {
		return s, "", nil
	}
	place, err := repository.ParsePlace(c.BackupTo)
	if err != nil {
		return s, "backup_to", fmt.Errorf("cannot be used: %w", err)
	}
	s.Place = place.String()
	if !place.Bucket() {
		if err := apart(s.Place, c); err != nil {
			return s, "backup_to", err
		}
	}
	if key, err := s.options(place, c); err != nil {
		return s, key, err
	}
	if s.Schedule, err = schedule(c.BackupSchedule); err != nil {
		return s, "backup_schedule", err
	}
	if s.Drills, err = schedule(c.BackupDrillSchedule); err != nil {
		return s, "backup_drill_schedule", err
	}
	if c.BackupKeep != "" {
		keep, err := repository.ParseKeep(c.BackupKeep)
		if err != nil {
			return s, "backup_keep", fmt.Errorf("cannot be used: %w", err)
		}
		s.Keep = &keep
	}
	return s, "", nil
}

// apart returns an error if the repository would be among files of the server.
func apart(repository string, c *config.Config) error {
	if c.Data == "" {
		return nil
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	var taken []string
	for _, name := range []string{backup.Store, config.Uploads, stagingDir, drillDir} {
		taken = append(taken, filepath.Join(data, name))
	}
	if dir, ok := strings.CutPrefix(c.Store, "pebble:"); ok {
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
		taken = append(taken, dir)
	}
	for _, dir := range taken {
		if repository == dir || strings.HasPrefix(repository, dir+string(filepath.Separator)) {
			return fmt.Errorf("cannot be used: %s is a directory of the server: name another one for backups", dir)
		}
	}
	if repository == data {
		return fmt.Errorf("cannot be used: %s is the data directory: name a directory on another disk, or one below it such as %s", data, filepath.Join(data, "backups"))
	}
	return nil
}

// options sets how the repository is opened.
func (s *Settings) options(place repository.Place, c *config.Config) (key string, err error) {
	s.Options.CredentialsFile = c.BackupS3CredentialsFile
	switch {
	case c.BackupS3CredentialsFile != "" && !place.Bucket():
		return "backup_s3_credentials_file", errors.New("is for a bucket, and {backup_to} is a directory: leave it out")
	case len(c.BackupAgeRecipients) == 0:
		return "", nil
	case c.BackupDrillSchedule != "":
		return "backup_drill_schedule", errors.New("and {backup_age_recipients} exclude each other, because this server cannot decrypt its backups: leave it out, and run \"rollcall backup drill\" where the secret key is")
	}
	if s.Options.Recipients, err = repository.ParseRecipients(c.BackupAgeRecipients); err != nil {
		return "backup_age_recipients", fmt.Errorf("cannot be used: %w", err)
	}
	return "", nil
}

// schedule parses five fields of cron or a word. Times are those of UTC, unless CRON_TZ
// says otherwise.
func schedule(text string) (cron.Schedule, error) {
	if text == "" {
		return nil, nil
	}
	const remedy = "give five fields as \"15 3 * * *\", or @hourly, @daily, @weekly or @monthly"
	if strings.HasPrefix(text, "@every") || len(text) > 200 {
		return nil, fmt.Errorf("is %.200q: %s", text, remedy)
	}
	zoned := text
	if !strings.HasPrefix(text, "CRON_TZ=") && !strings.HasPrefix(text, "TZ=") {
		zoned = "CRON_TZ=UTC " + text
	}
	if zoned == text && !strings.Contains(text, " ") {
		return nil, fmt.Errorf("is %q: %s", text, remedy) // the parser panics
	}
	s, err := parser.Parse(zoned)
	if err != nil {
		return nil, fmt.Errorf("is %q: %s (%w)", text, remedy, err)
	}
	if s.Next(time.Now()).IsZero() {
		return nil, fmt.Errorf("is %q, a time that never comes: %s", text, remedy)
	}
	return s, nil
}
