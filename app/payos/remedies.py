"""Why PayOS cannot deliver to an address, and what to do: one or two sentences for each."""

import re
from dataclasses import dataclass
from types import MappingProxyType

from app.errors import PayOSFailed, PayOSTimeout, PayOSUnavailable
from app.payos.refusal import RefusedWithCode

WEBHOOK_REFUSED = "20"
OTHER_KEY = (
    "the signature does not match: PAYOS_CHECKSUM_KEY of the running napvi is not {whose}. Copy "
    "all three PAYOS_ settings from one payment channel on my.payos.vn, and restart napvi."
)
NO_SUCH_HOST = "its host name is unknown. Check the spelling, and the DNS record."
NO_CONNECTION = (
    "no connection can be made. Check that the proxy runs, and that port and firewall let the "
    "world in."
)
NO_TLS = (
    "no TLS is there: it answers in plain HTTP. Check the port, and that the proxy has TLS on it."
)
CERTIFICATE = "its certificate is not trusted. Get one for this very host name, with its chain."
TOO_SLOW = (
    "no answer came in time; PayOS waits 10 s. Check that the proxy reaches napvi, and that the "
    "machine does not sleep when nobody calls."
)
REDIRECT = (
    "it answers with a redirect{to}, and PayOS wants 200. Register the address where that ends, "
    "or take this path out of what redirects: a login such as Cloudflare Access, http to https."
)
HTML = (
    "a web page answers, not napvi: the warning page of a tunnel such as ngrok, or a site that "
    "answers everything. Check that the proxy passes this path to napvi."
)
STRANGER = "something answers there that is not napvi. Check that the proxy passes this path on."
LOGIN = (
    "something asks for a login before napvi is reached (401). Take this path out of it: its "
    "signature is its proof."
)
FORBIDDEN = (
    "something in front of napvi refuses it ({status}): a firewall, a login, or protection "
    "against cross-site forms. Take this path out of it."
)
NOT_FOUND = (
    "nothing is there (404). napvi's path is /api/payos/webhook: check it, and that the proxy "
    "passes it on unchanged."
)
NO_POST = "it takes no POST (405). Check path and proxy; napvi takes it at /api/payos/webhook."
FAILED = (
    "the service there fails ({status}). Check that napvi runs, that the proxy reaches it, and "
    "that /readyz answers 200."
)
OTHER = "it answers with {status} instead of 200. Check what stands in front of napvi."
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BY_STATUS = MappingProxyType(
    {401: LOGIN, 403: FORBIDDEN, 404: NOT_FOUND, 405: NO_POST, 419: FORBIDDEN}
)
NOT_LET_IN = (
    "PayOS does not let us in (code {code}). Compare PAYOS_CLIENT_ID and PAYOS_API_KEY with the "
    "channel's page on my.payos.vn."
)
BY_CODE = MappingProxyType(
    {
        "214": "PayOS does not know the channel, or it is paused (code 214). Compare "
        "PAYOS_CLIENT_ID and PAYOS_API_KEY with its page on my.payos.vn, and see that it runs.",
        "201": "PayOS does not accept our signature (code 201). PAYOS_CHECKSUM_KEY is not that of "
        "the channel: copy it anew from my.payos.vn.",
        "401": NOT_LET_IN.format(code=401),
        "403": NOT_LET_IN.format(code=403),
    }
)
"""Of refusals that every call would meet."""

TEXTS = (
    (re.compile(r"timeout|timed out|ETIMEDOUT|ECONNABORTED", re.I), TOO_SLOW),
    (
        re.compile(
            r"ENOTFOUND|EAI_AGAIN|getaddrinfo|name or service|name resolution|with hostname", re.I
        ),
        NO_SUCH_HOST,
    ),
    (re.compile(r"wrong.version.number|record.layer|packet.length", re.I), NO_TLS),
    (re.compile(r"certificate|self.signed|SSL|TLS", re.I), CERTIFICATE),
    (re.compile(r"ECONNREFUSED|ECONNRESET|EHOSTUNREACH|connect", re.I), NO_CONNECTION),
)
"""What the errors of networks have in common, PayOS's and our own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered. `problem`: the code of napvi's problem document, if it is one."""

    status: int
    content_type: str
    location: str
    problem: str | None


def remedy_of_status(status: int, location: str = "") -> str:
    """What to do about an answer that is not napvi's own."""
    if status in REDIRECTS:
        return REDIRECT.format(to=f" to {location}" if location else "")
    remedy = FAILED if status >= 500 else BY_STATUS.get(status, OTHER)
    return remedy.format(status=status)


def remedy_of_answer(answer: Answer) -> str:
    """What to do about an answer that a webhook of napvi would not have given."""
    if 200 <= answer.status < 300:
        return HTML if "html" in answer.content_type else STRANGER
    return remedy_of_status(answer.status, answer.location)


def remedy_of_text(text: str) -> str | None:
    """What to do about an error of a network, by what its text has in it."""
    return next((remedy for pattern, remedy in TEXTS if pattern.search(text)), None)


def remedy_of_failure(problem: PayOSFailed, base_url: str) -> str:
    """What to do when confirm-webhook failed."""
    if isinstance(problem, PayOSTimeout):
        return (
            f"PayOS did not answer. Check that this machine reaches {base_url}, and run this "
            "again: the address may be registered or not."
        )
    if isinstance(problem, PayOSUnavailable):
        return (
            "PayOS takes no more calls for now: the address is not registered. Run this again in "
            f"{problem.retry_after_seconds} s."
        )
    if isinstance(problem, RefusedWithCode):
        return _remedy_of_refusal(problem)
    return f"{problem} Check PAYOS_BASE_URL ({base_url}) and run this again."


def _remedy_of_refusal(problem: RefusedWithCode) -> str:
    if problem.payos_code != WEBHOOK_REFUSED:
        return BY_CODE.get(problem.payos_code, f"{problem}.")
    text = problem.explanation
    met = f"PayOS called there and was not answered with 2xx ({text or 'it does not say why'}): "
    if status := re.search(r"status code (\d{3})", text):
        if status[1] == "401":
            return met + OTHER_KEY.format(whose="that of this channel") + " Or " + LOGIN
        return met + remedy_of_status(int(status[1]))
    return met + (remedy_of_text(text) or "see what the proxy and napvi logged just now.")
