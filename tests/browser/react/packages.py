"""React itself, one release of each major: installed by npm into a cache, not part of napvi."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

LOCKED = Path(__file__).parent
FILES = (
    "react/index.js",
    "react/cjs/react.development.js",
    "react-dom/index.js",
    "react-dom/client.js",
    "react-dom/cjs/react-dom.development.js",
    "react-dom/cjs/react-dom-client.development.js",
    "scheduler/index.js",
    "scheduler/cjs/scheduler.development.js",
)
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
INSTALL_SECONDS_MAX = 50
# What node does for these files: https://nodejs.org/api/modules.html
LOADER = """
const process = { env: { NODE_ENV: "development" } };
const loaded = {};
const require = (file) => {
  if (loaded[file]) return loaded[file].exports;
  const module = (loaded[file] = { exports: {} });
  sources[file](module, module.exports, (name) => require(path(file, name)), process);
  return module.exports;
};
const path = (from, name) => {
  if (name.startsWith("./")) return from.replace(/[^/]*$/, name.slice(2));
  return name + (sources[name + ".js"] ? ".js" : "/index.js");
};
export const React = require("react/index.js");
export const { createRoot } = require("react-dom/client.js");
export const { StrictMode, createElement, useEffect, useRef, useState } = React;
"""


def react_module(major: str, cache: Path) -> bytes:
    """React and its DOM as one ES module. Skips where npm is absent or fails; fails in CI."""
    modules = _installed(major, cache) / "node_modules"
    functions = [
        f"{json.dumps(name)}(module, exports, require, process) {{\n{file.read_text('utf-8')}\n}}"
        for name in FILES
        if (file := modules / name).exists()
    ]
    return f"const sources = {{\n{','.join(functions)}\n}};\n{LOADER}".encode()


def _installed(major: str, cache: Path) -> Path:
    place = cache / major
    lock = "package-lock.json"
    wanted = (LOCKED / major / lock).read_bytes()
    done = place / "installed"
    if done.exists() and done.read_bytes() == wanted:
        return place
    if shutil.which(INSTALL[0]) is None:
        _give_up("npm is not installed: apt-get install npm")
    shutil.copytree(LOCKED / major, place, dirs_exist_ok=True)
    try:
        subprocess.run(
            INSTALL,
            cwd=place,
            check=True,
            timeout=INSTALL_SECONDS_MAX,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.output or b"").decode(errors="replace")
        _give_up(f"npm could not install React {major}:\n{said}")
    done.write_bytes(wanted)
    return place


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
