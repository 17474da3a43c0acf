"""What was measured, as Prometheus reads it: by one process, or by all workers of one service."""

from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


def exposition(
    registry: CollectorRegistry, shared_directory: Path | None, accept: str
) -> tuple[bytes, str]:
    """The text and its Content-Type, as the Accept header asks. Blocks: reads files."""
    encode, content_type = choose_encoder(accept)
    if shared_directory is None:
        return encode(registry), content_type
    of_all_workers = CollectorRegistry()
    MultiProcessCollector(of_all_workers, str(shared_directory))
    return encode(of_all_workers), content_type


def forget_process(shared_directory: Path, pid: int) -> None:
    """A worker has ended: what it counted stays, what it had open is gone."""
    mark_process_dead(pid, str(shared_directory))
