"""React itself, one release of each major."""

import json
from pathlib import Path

from tests.npm import node_modules

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
    """React and its DOM as one ES module."""
    modules = node_modules(LOCKED / major, cache)
    functions = [
        f"{json.dumps(name)}(module, exports, require, process) {{\n{file.read_text('utf-8')}\n}}"
        for name in FILES
        if (file := modules / name).exists()
    ]
    return f"const sources = {{\n{','.join(functions)}\n}};\n{LOADER}".encode()
