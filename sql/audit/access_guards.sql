-- access_guards: that only the functions of napvi write, and that triggers cannot be left out.
CREATE OR REPLACE VIEW audit.access_guards AS
WITH tables AS ( -- by name and not as regclass: an auditor may not look into schema topup
    SELECT
        c.oid,
        c.relname AS name,
        c.relowner AS owner,
        c.relacl AS acl
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'topup'
    WHERE c.relkind IN ('r', 'p')
)

SELECT
    format('the application cannot write %s', r.name) AS guard,
    NOT has_table_privilege('topup_app', r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
    AND NOT has_any_column_privilege('topup_app', r.oid, 'INSERT, UPDATE') AS in_force
FROM tables AS r
UNION ALL
SELECT
    format('nobody but topup_owner may write %s', r.name) AS guard,
    pg_get_userbyid(r.owner) = 'topup_owner' AND NOT EXISTS (
        SELECT FROM (
            SELECT r.acl
            UNION ALL
            SELECT a.attacl FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = r.oid
        ) AS l (acl)
        CROSS JOIN LATERAL aclexplode(l.acl) AS g
        WHERE g.grantee <> r.owner AND g.privilege_type <> 'SELECT'
    ) AS in_force
FROM tables AS r
UNION ALL
SELECT
    format('%s cannot become topup_owner', m.role) AS guard,
    NOT pg_has_role(m.role, 'topup_owner', 'MEMBER') AS in_force
FROM (VALUES ('topup_app'), ('topup_auditor')) AS m (role)
UNION ALL
SELECT -- in no list of privileges; superusers and members of topup_owner may write in any case
    'nobody writes through pg_write_all_data' AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS r
        WHERE
            r.rolcanlogin
            AND NOT r.rolsuper
            AND pg_has_role(r.oid, 'pg_write_all_data', 'MEMBER')
            AND NOT pg_has_role(r.oid, 'topup_owner', 'MEMBER')
            AND has_database_privilege(r.oid, current_database(), 'CONNECT')
    ) AS in_force
UNION ALL
SELECT
    'triggers fire in new sessions, whatever the role' AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_settings AS s
        WHERE s.name = 'session_replication_role' AND s.reset_val = 'replica'
    )
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_db_role_setting AS d
        CROSS JOIN LATERAL unnest(d.setconfig) AS s (setting)
        LEFT JOIN pg_catalog.pg_database AS b ON d.setdatabase = b.oid
        WHERE
            lower(s.setting) LIKE 'session\_replication\_role=%'
            AND (d.setdatabase = 0 OR b.datname = current_database())
    ) AS in_force;

COMMENT ON VIEW audit.access_guards IS 'The part of audit.guards that is about who may write.';
COMMENT ON COLUMN audit.access_guards.guard IS 'A privilege not given, or a setting not made.';
COMMENT ON COLUMN audit.access_guards.in_force IS 'True, always.';

GRANT SELECT ON audit.access_guards TO topup_auditor, topup_app;
