import psycopg
import pytest

REGISTER = "SELECT topup.register_user(%s, %s)"


async def test_a_taken_username_is_refused_by_name(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    with pytest.raises(psycopg.Error, match="username taken") as refused:
        await application.execute(REGISTER, ("anna", "another hash"))

    assert refused.value.sqlstate == "TU003"
    assert refused.value.diag.message_detail == "anna"


async def test_the_same_call_again_returns_the_same_account(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    cursor = await application.execute(REGISTER, ("anna", "a hash"))

    assert await cursor.fetchone() == (anna,)
    wallets = await application.execute("SELECT user_id, balance, version FROM topup.wallets")
    assert await wallets.fetchall() == [(anna, 0, 0)]


async def test_a_refused_registration_leaves_no_wallet(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    with pytest.raises(psycopg.Error):
        await application.execute(REGISTER, ("anna", "another hash"))

    cursor = await application.execute("SELECT count(*) FROM topup.wallets")
    assert await cursor.fetchone() == (1,)


@pytest.mark.parametrize("username", ["", "ab", "a" * 65, "Anna", ".anna", "an na", "nguyễn"])
async def test_a_username_that_the_application_would_not_send_is_refused(
    application: psycopg.AsyncConnection, username: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await application.execute(REGISTER, (username, "a hash"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO topup.users (username, password_hash) VALUES ('eve', 'a hash')",
        "UPDATE topup.users SET password_hash = 'a hash'",
        "DELETE FROM topup.users",
        "UPDATE topup.sessions SET revoked_at = NULL",
        "DELETE FROM topup.sessions",
    ],
)
async def test_the_application_may_not_write_the_tables(
    application: psycopg.AsyncConnection, statement: psycopg.abc.Query
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await application.execute(statement)
