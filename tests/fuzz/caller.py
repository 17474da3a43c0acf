"""Sends what schemathesis makes up, and holds each answer to the document."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import requests
import schemathesis
from hypothesis import settings
from pytest import Subtests
from schemathesis import APIOperation, BaseSchema
from schemathesis.core.result import Err
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.specs.openapi import checks as openapi_checks

from tests.fuzz.visitors import PATIENCE_SECONDS, Payer

Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]

ENDS_LOGIN = ("/api/auth/register", "/api/auth/login", "/api/auth/logout")
SCHEMA_CANNOT_SAY = MappingProxyType(
    {
        "/api/topup/seen": "a time that is not now is no wait",
        "/api/topup/init": "50000.0 is no amount; a key may have been used for another one",
    }
)
"""Where a request that fits its schema may be refused with another 4xx than 401, 404 and 409."""


@dataclass
class Caller:
    """Nobody in particular, or `payer`, who is logged in whenever a request is sent.

    `answered`: operations, and the statuses they were answered with.
    """

    url: str
    session: requests.Session
    payer: Payer | None = None
    answered: set[tuple[str, str]] = field(default_factory=set)

    def call(self, case: Case) -> None:
        answer = case.call_and_validate(
            self.url,
            self.session,
            cookies=self.payer.cookies if self.payer else None,
            timeout=PATIENCE_SECONDS,
            excluded_checks=self._excluded(case),
        )
        self.answered.add((case.operation.label, str(answer.status_code)))
        if self.payer and case.operation.path in ENDS_LOGIN and answer.status_code < 300:
            self.payer.forget_login()

    def _excluded(self, case: Case) -> list[Any]:
        excluded = []
        if case.operation.path in SCHEMA_CANNOT_SAY:
            excluded.append(openapi_checks.positive_data_acceptance)
        if self.payer:  # a cookie that a case leaves out is sent all the same
            excluded.append(openapi_checks.negative_data_rejection)
        return excluded

    def try_every_operation(self, api: BaseSchema, effort: settings, subtests: Subtests) -> None:
        """With what is valid, what is not, and what lies on the bounds."""
        for operation in operations(api):
            config = HypothesisTestConfig(
                project=api.config, modes=list(HypothesisTestMode), settings=effort
            )
            test = create_test(operation=operation, test_func=self.call, config=config)
            with subtests.test(operation.label):
                test()


def operations(api: BaseSchema) -> list[Operation]:
    """All of the document. Raises when one of them cannot be read."""
    found = []
    for result in api.get_all_operations():
        if isinstance(result, Err):
            raise result.err()
        found.append(result.ok())
    return found
