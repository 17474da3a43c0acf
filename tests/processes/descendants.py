"""Who was started by whom, as /proc knows it."""

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """The children of a process, and theirs."""
    parents = {
        int(directory.name): state[1]
        for directory in Path("/proc").iterdir()
        if directory.name.isdecimal() and (state := _state(directory)) is not None
    }
    found: set[int] = set()
    generation = {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation}
        found |= generation
    return found


def alive(pid: int) -> bool:
    """Whether it runs: a dead process that nobody has asked about yet does not."""
    state = _state(Path("/proc", str(pid)))
    return state is not None and state[0] != "Z"


def _state(directory: Path) -> tuple[str, int] | None:
    """The state letter and the parent; None when the process is gone."""
    try:
        fields = (directory / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])
