"""What the environment may say, and the sentence when it may not."""

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, environment_name

SECRETS = {
    "PAYOS_CLIENT_ID": "client-1",
    "PAYOS_API_KEY": "made-up-api-key",
    "PAYOS_CHECKSUM_KEY": "made-up-checksum-key",
    "NAPVI_SECRET_KEY": "k" * 40,
}
SECONDS = [
    environment_name(name)
    for name, field in Settings.model_fields.items()
    if field.annotation is float and field.default > 0
]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(environment_name(name), raising=False)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load()
    assert str(refused.value).startswith(f"{refused.value.setting}: ")
    return str(refused.value)


@pytest.mark.parametrize("value", ["", " \n"])
@pytest.mark.parametrize("setting", ["DATABASE_URL", "LISTEN_DATABASE_URL"])
def test_an_empty_database_url_is_not_an_unset_one(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.load().database_url is None
    monkeypatch.setenv(setting, value)
    assert refusal() == f"{setting}: is empty. Set it to a libpq URI, or unset it."


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "0", "-1", "0.0005", "604801", "1e300"])
@pytest.mark.parametrize("setting", SECONDS)
def test_seconds_are_a_number_of_milliseconds(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    assert refusal().startswith(f"{setting}: ")


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "604801"])
def test_a_pause_may_be_none_but_is_bounded(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPVI_DRAIN_WAIT_SECONDS", "0")
    assert Settings.load().drain_wait_seconds == 0
    monkeypatch.setenv("NAPVI_DRAIN_WAIT_SECONDS", value)
    assert refusal().startswith("NAPVI_DRAIN_WAIT_SECONDS: ")


def test_a_millisecond_and_a_week_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPVI_LOCK_TIMEOUT_SECONDS", "0.001")
    monkeypatch.setenv("NAPVI_STATEMENT_TIMEOUT_SECONDS", "604800")
    settings = Settings.load()
    assert int(settings.lock_timeout_seconds * 1000) == 1
    assert int(settings.statement_timeout_seconds * 2000) < 2**31


@pytest.mark.parametrize(
    "value",
    [
        "",
        "napvi.example",
        "ftp://napvi.example",
        "https://",
        "https:///pay",
        "https:napvi.example",
        "https://:443",
        "https://napvi.example:port",
        "https://napvi.example:0",
        "https://[::1",
        "https://nap vi.example",
        "https://napvi.example\n",
    ],
)
@pytest.mark.parametrize("setting", ["PAYOS_BASE_URL", "NAPVI_PUBLIC_URL"])
def test_an_address_on_the_web_is_a_url_with_a_host(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    assert refusal().startswith(f"{setting}: is no http:// or https:// URL with a host. ")


@pytest.mark.parametrize(
    "value", ["https://napvi.example", "http://127.0.0.1:8001", "https://[::1]:8000/pay/"]
)
def test_an_address_on_the_web_stays_as_it_is_written(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYOS_BASE_URL", value)
    monkeypatch.setenv("NAPVI_PUBLIC_URL", value)
    settings = Settings.load()
    assert (settings.payos_base_url, settings.public_url) == (value, value)


@pytest.mark.parametrize(
    ("low", "high", "changed", "value"),
    [
        ("NAPVI_TOPUP_AMOUNT_MIN_VND", "NAPVI_TOPUP_AMOUNT_MAX_VND", 0, "100000001"),
        ("NAPVI_TOPUP_AMOUNT_MIN_VND", "NAPVI_TOPUP_AMOUNT_MAX_VND", 1, "1999"),
        ("NAPVI_PASSWORD_CHARACTERS_MIN", "NAPVI_PASSWORD_CHARACTERS_MAX", 0, "129"),
        ("NAPVI_PASSWORD_CHARACTERS_MIN", "NAPVI_PASSWORD_CHARACTERS_MAX", 1, "7"),
        ("NAPVI_LOGIN_DELAY_SECONDS", "NAPVI_LOGIN_DELAY_SECONDS_MAX", 0, "30.5"),
        ("NAPVI_DRAIN_WAIT_SECONDS", "NAPVI_SHUTDOWN_SECONDS_MAX", 0, "10.5"),
    ],
)
def test_a_range_has_something_in_it(
    low: str, high: str, changed: int, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv((low, high)[changed], value)
    assert refusal().startswith(f"{low}: is larger than {high}. ")


def test_the_smallest_may_be_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPVI_TOPUP_AMOUNT_MAX_VND", "2000")
    assert Settings.load().topup_amount_max_vnd == Settings.load().topup_amount_min_vnd


@pytest.mark.usefixtures("secrets")
def test_no_secret_is_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("DATABASE_URL", "LISTEN_DATABASE_URL"):
        monkeypatch.setenv(setting, "postgresql://napvi:hunter2@db/napvi")
    shown = f"{Settings.load()!r} {Settings.load()} {Settings.load().payos()}"
    hidden = ("hunter2", *(SECRETS[name] for name in SECRETS if name.endswith("_KEY")))
    assert [secret for secret in hidden if secret in shown] == []


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("setting", ["PAYOS_CLIENT_ID", "PAYOS_API_KEY", "PAYOS_CHECKSUM_KEY"])
def test_no_channel_is_without_a_name_or_a_key(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, "")
    with pytest.raises(ConfigurationError, match=f"^{setting}: is not set."):
        Settings.load().payos()


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("value", "complaint"),
    [(None, "is not set."), ("http://napvi.example", "does not start with https://.")],
)
def test_an_https_installation_says_where_payers_reach_it(
    value: str | None, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("NAPVI_PUBLIC_URL", value)
    with pytest.raises(ConfigurationError) as refused:
        Settings.load().require_for_serving()
    assert str(refused.value) == (
        f"NAPVI_PUBLIC_URL: {complaint} Set it to where payers reach the service, "
        "https://your-host, or set NAPVI_COOKIE_SECURE=false for a plain-HTTP installation."
    )


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("setting", "value"),
    [("NAPVI_PUBLIC_URL", "https://napvi.example"), ("NAPVI_COOKIE_SECURE", "false")],
)
def test_either_way_out_of_that_serves(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    Settings.load().require_for_serving()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NAPVI_SESSION_ABSOLUTE_SECONDS", "9999999999999"),
        ("NAPVI_TOPUP_EXPIRY_SECONDS", "99999999999"),
        ("NAPVI_TOPUP_AMOUNT_MAX_VND", "9" * 30),
    ],
)
def test_a_number_that_the_database_could_not_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        Settings.load()
    assert refused.value.setting == name


@pytest.mark.parametrize("value", ["", "true", "25", "101%", "-1%", "2.5%", "025%", "25 %", "ON"])
def test_a_share_of_users_is_off_or_on_or_a_percentage(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPVI_STREAM", value)
    assert refusal() == (
        "NAPVI_STREAM: is neither off nor on nor a whole percentage such as 25%. "
        "See docs/settings.md."
    )


@pytest.mark.parametrize("value", ["off", "on", "0%", "7%", "25%", "100%"])
def test_a_share_of_users_stays_as_it_is_written(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPVI_STREAM", value)
    assert Settings.load().stream == value
