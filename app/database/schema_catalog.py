"""The SQL of reading a schema back from the catalog, in words that every version says alike.

NOT NULL is told with the column: PostgreSQL 18 lists it among the constraints, 15 does not.
"""

from typing import LiteralString

ROLES: LiteralString = """
    SELECT
        r.rolname AS name,
        CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END AS type,
        shobj_description(r.oid, 'pg_authid') AS comment
    FROM pg_roles AS r WHERE r.rolname LIKE 'topup\\_%%'
    ORDER BY r.rolname
"""
SCHEMAS: LiteralString = """
    SELECT
        n.oid, n.nspname AS name, obj_description(n.oid, 'pg_namespace') AS comment,
        n.nspacl::text[] AS privileges
    FROM pg_namespace AS n WHERE n.nspname IN ('topup', 'audit')
    ORDER BY n.nspname DESC
"""
RELATIONS: LiteralString = """
    SELECT
        c.oid,
        c.oid::regclass::text AS name,
        CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END || CASE c.relkind
            WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'c' THEN 'TYPE'
            WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE'
        END AS kind,
        coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type'))
            AS comment,
        coalesce(array_to_string(c.reloptions, ', '), '') AS options,
        c.relacl::text[] AS privileges
    FROM pg_class AS c
    WHERE c.relnamespace = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'S')
    ORDER BY position(c.relkind IN 'rpSvmc'), c.relname
"""
COLUMNS: LiteralString = """
    SELECT
        a.attname AS name,
        concat_ws(
            ' ',
            format_type(a.atttypid, a.atttypmod),
            CASE a.attidentity WHEN 'a' THEN 'ALWAYS IDENTITY' WHEN 'd' THEN 'DEFAULT IDENTITY' END,
            CASE WHEN a.attnotnull AND a.attidentity = '' THEN 'NOT NULL' END,
            CASE a.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' END
                || pg_get_expr(d.adbin, d.adrelid, TRUE),
            a.attacl::text
        ) AS type,
        col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    INNER JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind <> 'S'
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT
        'values',
        format(
            '%%s from %%s to %%s by %%s, %%s at once%%s', format_type(s.seqtypid, NULL), s.seqmin,
            s.seqmax, s.seqincrement, s.seqcache, CASE WHEN s.seqcycle THEN ', cycling' END
        ),
        NULL
    FROM pg_sequence AS s WHERE s.seqrelid = %s
"""
RULES: LiteralString = """
    SELECT r.name, r.definition
    FROM (
        SELECT
            position(k.contype IN 'pufxc') AS rank, k.conrelid AS relation, k.conname AS name,
            pg_get_constraintdef(k.oid, TRUE) AS definition
        FROM pg_constraint AS k WHERE k.contype IN ('p', 'u', 'f', 'x', 'c')
        UNION ALL
        SELECT
            7, i.indrelid, c.relname,
            regexp_replace(pg_get_indexdef(c.oid, 0, TRUE), '^CREATE (.*INDEX) .* USING', '\\1')
        FROM pg_index AS i INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid
            AND k.contype IN ('p', 'u', 'x'))
        UNION ALL
        SELECT
            8, t.tgrelid, t.tgname,
            regexp_replace(
                pg_get_triggerdef(t.oid, TRUE), '^CREATE (.*TRIGGER) \\S+ (.*) ON \\S+', '\\1 \\2'
            )
            || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' ENABLED: ' || t.tgenabled::text END
        FROM pg_trigger AS t WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 9, w.ev_class, w.rulename, pg_get_ruledef(w.oid, TRUE)
        FROM pg_rewrite AS w WHERE w.rulename <> '_RETURN'
        UNION ALL
        SELECT 10, c.oid, c.relname, 'ROW LEVEL SECURITY'
        FROM pg_class AS c WHERE c.relrowsecurity
        UNION ALL
        SELECT 11, i.inhparent, i.inhrelid::regclass::text, 'INHERITS FROM IT' FROM pg_inherits AS i
        UNION ALL
        SELECT 12, i.inhrelid, i.inhparent::regclass::text, 'IS INHERITED' FROM pg_inherits AS i
    ) AS r
    WHERE r.relation = %s
    ORDER BY r.rank, r.name COLLATE "C"
"""
FUNCTIONS: LiteralString = """
    SELECT
        p.oid::regproc::text AS name,
        CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END
            AS kind,
        pg_get_function_arguments(p.oid) AS arguments,
        pg_get_function_result(p.oid) AS result,
        concat_ws(
            ', ',
            l.lanname,
            CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
            CASE WHEN p.proisstrict THEN 'STRICT' END,
            CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END,
            CASE WHEN
                p.prokind <> 'a'
                AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(p.proconfig, '{}'))
            THEN 'another search_path' END,
            nullif(array_to_string(
                array_remove(p.proconfig, 'search_path=pg_catalog, pg_temp'), ', '
            ), ''),
            'SFUNC ' || a.aggtransfn::text,
            'STYPE ' || format_type(a.aggtranstype, NULL),
            'INITCOND ' || a.agginitval,
            'FINALFUNC ' || nullif(a.aggfinalfn::text, '-'),
            'COMBINEFUNC ' || nullif(a.aggcombinefn::text, '-'),
            'MSFUNC ' || nullif(a.aggmtransfn::text, '-'),
            'MINVFUNC ' || nullif(a.aggminvtransfn::text, '-'),
            'MFINALFUNC ' || nullif(a.aggmfinalfn::text, '-')
        ) AS manner,
        obj_description(p.oid, 'pg_proc') AS comment,
        p.proacl::text[] AS privileges
    FROM pg_proc AS p
    INNER JOIN pg_language AS l ON l.oid = p.prolang
    LEFT JOIN pg_aggregate AS a ON a.aggfnoid = p.oid
    WHERE p.pronamespace = %s
    ORDER BY p.prosecdef DESC, p.proname, p.oid
"""
BODIES: LiteralString = """
    SELECT p.oid::regproc::text AS name, p.prosrc AS body
    FROM pg_proc AS p
    WHERE p.pronamespace IN ('topup'::regnamespace, 'audit'::regnamespace) AND p.prokind <> 'a'
    ORDER BY p.oid::regproc::text
"""
COUNTERPARTS: LiteralString = """
    SELECT format('%I.%I', n.nspname, v.relname)
    FROM pg_class AS v
    INNER JOIN pg_namespace AS n ON n.oid = v.relnamespace
    LEFT JOIN pg_class AS t
        ON t.relname = v.relname AND t.relkind = 'v' AND t.relnamespace = pg_my_temp_schema()
    WHERE
        n.nspname IN ('topup', 'audit') AND v.relkind = 'v'
        AND pg_get_viewdef(v.oid) IS DISTINCT FROM pg_get_viewdef(t.oid)
    ORDER BY v.relname
"""
"""Views beside which there is no temporary one of their name that says the same."""
