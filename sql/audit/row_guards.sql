-- row_guards: that each table has its own rows alone, and draws its ids one by one. A table that
--           inherits has rows in every view without a trigger or key on them; one that is inherited
--           lets its writers through. Ids that a session sets aside come below the horizon of an
--           export and behind the sealer.
CREATE OR REPLACE VIEW audit.row_guards AS
WITH tables AS ( -- by name and not as regclass: an auditor may not look into schema topup
    SELECT
        c.oid,
        c.relname AS name
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'topup'
    WHERE c.relkind IN ('r', 'p')
)

SELECT
    format('%s has its own rows alone', r.name) AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_inherits AS i WHERE r.oid IN (i.inhparent, i.inhrelid)
    ) AS in_force
FROM tables AS r
UNION ALL
SELECT
    format('ids of %s are drawn one by one, upwards', r.name) AS guard,
    bool_and(s.seqcache = 1 AND s.seqincrement = 1 AND NOT s.seqcycle) AS in_force
FROM tables AS r
INNER JOIN pg_catalog.pg_depend AS d
    ON
        r.oid = d.refobjid AND d.classid = 'pg_catalog.pg_class'::regclass
        AND d.refclassid = d.classid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
INNER JOIN pg_catalog.pg_sequence AS s ON d.objid = s.seqrelid
GROUP BY r.name;

COMMENT ON VIEW audit.row_guards IS 'The part of audit.guards that is about what rows there are.';
COMMENT ON COLUMN audit.row_guards.guard IS 'That rows, or ids, come from one place.';
COMMENT ON COLUMN audit.row_guards.in_force IS 'True, always.';

GRANT SELECT ON audit.row_guards TO topup_auditor, topup_app;
