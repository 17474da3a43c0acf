"""Who owns what, and what everybody may do: nothing. tests/laws/test_doors.py has the roles."""

from typing import LiteralString

from tests.payments import query

OURS: LiteralString = "ANY (ARRAY['topup', 'audit']::regnamespace[])"
GRANTS: LiteralString = f"""
    SELECT n.nspname AS object, a.grantee, a.privilege_type
    FROM pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
    WHERE n.oid = {OURS}
    UNION ALL
    SELECT c.relname, a.grantee, a.privilege_type
    FROM pg_class AS c
    CROSS JOIN LATERAL (SELECT CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char") AS k (kind)
    CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(k.kind, c.relowner))) AS a
    WHERE c.relnamespace = {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT c.relname || '.' || t.attname, a.grantee, a.privilege_type
    FROM pg_class AS c
    INNER JOIN pg_attribute AS t ON t.attrelid = c.oid
    CROSS JOIN LATERAL aclexplode(t.attacl) AS a
    WHERE c.relnamespace = {OURS}
    UNION ALL
    SELECT p.proname, a.grantee, a.privilege_type
    FROM pg_proc AS p
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = {OURS}
"""


async def test_the_owner_owns_everything_and_nothing_is_in_public(database_url: str) -> None:
    assert (
        await query(
            database_url,
            f"""
        SELECT relname FROM pg_class WHERE relnamespace = {OURS}
            AND relowner <> 'topup_owner'::regrole
        UNION ALL
        SELECT proname FROM pg_proc WHERE pronamespace = {OURS}
            AND proowner <> 'topup_owner'::regrole
        UNION ALL
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        """,
        )
        == []
    )


async def test_everybody_may_do_nothing(database_url: str) -> None:
    found = f"SELECT g.object, g.privilege_type FROM ({GRANTS}) AS g WHERE g.grantee = 0"
    assert await query(database_url, found) == []


async def test_what_a_later_file_makes_is_not_for_everybody_either(database_url: str) -> None:
    """By the default privileges of the owner: a file that forgets REVOKE gives nothing away."""
    made = await query(
        database_url,
        """
        SELECT a.grantee::regrole::text
        FROM pg_default_acl AS d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
        WHERE
            d.defaclrole = 'topup_owner'::regrole AND d.defaclnamespace = 0
            AND d.defaclobjtype = 'f'
        """,
    )
    assert made == [("topup_owner",)]
