"""The official Node SDK, in a process of its own that answers questions line by line."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.npm import node_modules

HERE = Path(__file__).parent
ANSWER_SECONDS_MAX = 40


class NodeSdk:
    """`program` is sdk.js beside the node_modules that it needs."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def ask(self, *questions: dict[str, Any]) -> list[Any]:
        """One answer for each question: {"ok": …}, or {"error": …, "code": …} of the SDK.

        All in one process. Blocks.
        """
        lines = "".join(f"{json.dumps(question)}\n" for question in questions)
        done = subprocess.run(
            ["node", self._program],
            input=lines.encode(),
            stdout=subprocess.PIPE,
            check=True,
            timeout=ANSWER_SECONDS_MAX,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(questions)
        return answers

    def sign(self, payloads: Sequence[dict[str, Any]], key: str) -> list[dict[str, str]]:
        """The `canonical` text and the `signature` of each payload."""
        questions = ({"ask": "sign", "key": key, "data": payload} for payload in payloads)
        return [answer["ok"] for answer in self.ask(*questions)]


def node_sdk(cache: Path) -> NodeSdk:
    """Skips where npm is absent or cannot install it; fails in CI.

    Another test run may be reading the program: it is replaced whole.
    """
    modules = node_modules(HERE / "payos-node", cache)
    program = modules.parent / "sdk.js"
    copy = shutil.copyfile(HERE / "sdk.js", program.with_name(f"sdk-{os.getpid()}.js"))
    return NodeSdk(copy.replace(program))
