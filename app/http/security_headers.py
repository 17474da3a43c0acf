"""What a browser may do with our answers: load nothing that is not ours, show us in no frame.

Strict-Transport-Security is for the proxy that holds the certificate (deploy/).
"""

from quart import Quart, Response

SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = (
    ("Content-Security-Policy", SECURITY_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Referrer-Policy", "same-origin"),  # an address tells which top-up
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),  # for browsers that do not know frame-ancestors
)


def install_security_headers(app: Quart) -> None:
    """On every answer of `app`; a stream has headers of its own, and PayOS is no browser."""

    async def protect(response: Response) -> Response:
        response.headers.extend(SECURITY_HEADERS)
        return response

    app.after_request(protect)
