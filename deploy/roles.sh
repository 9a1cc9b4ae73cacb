#!/bin/sh
# The image of PostgreSQL runs this once, when it creates the database.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$SERVER_PASSWORD" \
	--username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE rollcall LOGIN PASSWORD :'password';
SQL
