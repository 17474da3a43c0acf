"""A refusal that PayOS gives a reason for."""

import re

from app.errors import PayOSRefused

DESCRIPTION_CHARACTERS_MAX = 200

OF_THE_CHANNEL = re.compile(r"201|214|401|403|429|5\d\d")
"""Codes that say nothing of an order: our signature, our channel, our keys, too many calls, and
what looks like an error of PayOS's own."""

NOT_LET_IN = (401, 403)


class RefusedWithCode(PayOSRefused):
    """PayOS said no. `payos_code` is its business code: 20, 214, 231 …; the status of HTTP where it
    lets nobody in and gives none.

    `explanation`: what it says in place of data, where it says anything. Of a webhook that did
    not answer with 2xx, that is what PayOS met there. `is_about_order`: asked about another one,
    PayOS might answer.
    """

    def __init__(
        self, payos_code: str, description: str, explanation: str = "", http_status: int = 200
    ) -> None:
        description = description[:DESCRIPTION_CHARACTERS_MAX]
        super().__init__(f"PayOS answered with code {payos_code}: {description}")
        self.payos_code = payos_code
        self.is_about_order = not (
            OF_THE_CHANNEL.fullmatch(payos_code) or http_status in NOT_LET_IN
        )
        self.explanation = explanation[:DESCRIPTION_CHARACTERS_MAX]
