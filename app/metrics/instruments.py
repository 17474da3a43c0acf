"""How metrics are made: their prefix, their label values, and what several processes add up to."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Instruments:
    """Makes the metrics of `registry`. Each label value is there from the start, as 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(
        self, name: str, help: str, label: str | None = None, values: Iterable[str] = ()
    ) -> Counter:
        labels = () if label is None else (label,)
        counter = Counter(f"napvi_{name}", help, labels, registry=self._registry)
        for value in values:
            counter.labels(value)
        return counter

    def counter_by(self, name: str, help: str, **labels: Iterable[str]) -> Counter:
        counter = Counter(f"napvi_{name}", help, tuple(labels), registry=self._registry)
        for values in product(*labels.values()):
            counter.labels(*values)
        return counter

    def histogram(self, name: str, help: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(f"napvi_{name}", help, registry=self._registry, buckets=tuple(buckets))

    def gauge(self, name: str, help: str) -> Gauge:
        """Of a process: all of them together have the sum."""
        return Gauge(f"napvi_{name}", help, registry=self._registry, multiprocess_mode="livesum")

    def latest(self, name: str, help: str) -> Gauge:
        """Of the database: whichever process asked last is right."""
        return Gauge(
            f"napvi_{name}", help, registry=self._registry, multiprocess_mode="livemostrecent"
        )
