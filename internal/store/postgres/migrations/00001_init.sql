-- +goose Up

-- A deleted account is a row with internal_id 0 and deleted_ms: its tombstone. The bucket
-- is a hash of sdkappid and userid; it is part of the key because Citus distributes by it.
CREATE TABLE accounts (
    internal_id bigint NOT NULL,
    sdkappid    bigint NOT NULL,
    created_ms  bigint NOT NULL,
    updated_ms  bigint NOT NULL,
    bucket      integer NOT NULL,
    userid      text COLLATE "C" NOT NULL,
    nick        text NOT NULL,
    face_url    text NOT NULL,
    profile     jsonb,
    deleted_ms  bigint,
    kicked_s    bigint,
    kicked_us   bigint,
    PRIMARY KEY (sdkappid, userid, bucket)
);

-- Nodes read the newest kicks by it.
CREATE INDEX accounts_kicked ON accounts (kicked_us) WHERE kicked_us IS NOT NULL;

-- The accounts of an app: one row for each bucket. A write locks one row and counts there.
-- The sum of cap is the quota, which is the limit that was last divided among the rows.
CREATE TABLE spaces (
    sdkappid   bigint NOT NULL,
    bucket     integer NOT NULL,
    generation bigint NOT NULL,
    live       bigint NOT NULL,
    quota      bigint NOT NULL,
    cap        bigint NOT NULL,
    admins     text[] NOT NULL,
    PRIMARY KEY (sdkappid, bucket)
) WITH (fillfactor = 50);

-- Nodes read the generations of all apps by it.
CREATE INDEX spaces_first ON spaces (sdkappid) WHERE bucket = 0;

CREATE TABLE records (
    kind    smallint NOT NULL,
    key     bytea NOT NULL,
    value   bytea NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (kind, key)
);

-- Counts the commits that write records of a kind, in several rows so that commits do not
-- wait for each other. Kind -1 counts the changes of spaces. Nodes poll it.
CREATE TABLE changes (
    kind smallint NOT NULL,
    slot smallint NOT NULL,
    n    bigint NOT NULL,
    PRIMARY KEY (kind, slot)
) WITH (fillfactor = 50);

-- The numbers of commits, which are the versions of records.
CREATE SEQUENCE commit_numbers AS bigint;

-- The first of 10000 internal ids that a node may assign.
CREATE SEQUENCE internal_ids AS bigint INCREMENT BY 10000 START WITH 1 MINVALUE 1;

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        PERFORM create_distributed_table('accounts', 'bucket');
        PERFORM create_distributed_table('spaces', 'bucket', colocate_with => 'accounts');
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP SEQUENCE internal_ids;
DROP SEQUENCE commit_numbers;
DROP TABLE changes;
DROP TABLE records;
DROP TABLE spaces;
DROP TABLE accounts;
