"""What a server counts, for Prometheus."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where the processes of a server put their numbers together
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measures:
    """Counters and histograms of a server."""

    def __init__(self):
        self.registry = CollectorRegistry()
        own = {"registry": self.registry}
        self.requests = Counter("weitiao_requests_total", "requests, by model and status", ["model", "status"], **own)
        self.seconds = Histogram("weitiao_request_seconds", "until an answer", ["model"], buckets=SECONDS, **own)
        self.texts = Histogram("weitiao_batch_texts", "texts that were answered together", buckets=SIZES, **own)
        self.joined = Histogram("weitiao_batch_requests", "requests answered together", buckets=SIZES, **own)

    def count_request(self, model: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(model, status).inc()
        self.seconds.labels(model).observe(seconds)

    def count_batch(self, texts: int, requests: int) -> None:
        """Count what was answered together."""
        self.texts.observe(texts)
        self.joined.observe(requests)

    def shown(self) -> CollectorRegistry:
        """The numbers of all processes of the server."""
        if SHARED not in os.environ:
            return self.registry
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)
        return together
