"""The official SDKs, both of them, as they are published."""

import pytest

from tests.payos.conformance.node import NodeSdk, node_sdk


@pytest.fixture(scope="session")
def node(pytestconfig: pytest.Config) -> NodeSdk:
    cache = pytestconfig.cache
    assert cache is not None
    return node_sdk(cache.mkdir("payos"))
