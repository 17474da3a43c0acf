-- What the schema files stand on: roles, schemas, and the record of what was applied. Runs first
-- at every migration, by the connecting role, under the runner's lock; a second run changes
-- nothing. The roles belong to the whole cluster and the lock to one database, so another
-- database may be making the same roles at this moment.
DO $$
DECLARE
    v_role text;
    v_purpose text;
    -- From PostgreSQL 16 on, who makes a role is its member and still may not become it.
    v_may_become CONSTANT text := CASE
        WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET'
    END;
BEGIN
    FOR v_role, v_purpose IN
        VALUES
        ('topup_owner', 'Owns every object of napvi. Nobody logs in as it.'),
        ('topup_app', 'What the application may do: read, and call the doors.'),
        ('topup_auditor', 'May read schema audit and nothing else.')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
                EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, v_purpose);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- The other database was faster.
            END;
        END IF;

        IF NOT pg_has_role(v_role, v_may_become) THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', v_role);
            EXCEPTION WHEN unique_violation THEN
                NULL; -- As above.
            END;
        END IF;
    END LOOP;

    IF to_regnamespace('topup') IS NULL THEN
        CREATE SCHEMA topup AUTHORIZATION topup_owner;
    END IF;

    IF to_regnamespace('audit') IS NULL THEN
        CREATE SCHEMA audit AUTHORIZATION topup_owner;
    END IF;
END
$$;

SET LOCAL ROLE topup_owner;

COMMENT ON SCHEMA topup IS 'Tables and functions of napvi.';
COMMENT ON SCHEMA audit IS 'What an auditor reads.';

REVOKE ALL ON SCHEMA topup, audit FROM PUBLIC;
GRANT USAGE ON SCHEMA topup TO topup_app;
GRANT USAGE ON SCHEMA audit TO topup_app, topup_auditor;

-- Without IN SCHEMA: with it, this would do nothing.
ALTER DEFAULT PRIVILEGES FOR ROLE topup_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE IF NOT EXISTS topup.schema_files (
    path text PRIMARY KEY,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE topup.schema_files IS 'The files below sql/ that this database was made from.';
COMMENT ON COLUMN topup.schema_files.path IS 'Relative to sql/.';
COMMENT ON COLUMN topup.schema_files.sha256 IS 'SHA-256 of the file as it was applied last.';
COMMENT ON COLUMN topup.schema_files.applied_at IS 'When that was.';

GRANT SELECT ON topup.schema_files TO topup_app;
