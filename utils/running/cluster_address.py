"""A connection to a Ray cluster: https://docs.ray.io."""

import logging
import re
import socket
from collections.abc import Mapping

from ..data.errors import ArgumentError


def join_cluster(address: str) -> Mapping[str, float]:
    """Connect to a cluster.

    Args:
        address: of the head, `host:port`; `auto` for a cluster that this machine is in.

    Returns:
        The resources of all its machines, such as `{"CPU": 16.0}`.

    Raises:
        ArgumentError: there is none.
    """
    import ray  # an extra requirement

    try:
        if host := re.fullmatch(r"([^/:]+):(\d+)", address):  # Ray itself tries for minutes
            socket.create_connection((host[1], int(host[2])), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArgumentError(
            f"--ray_address {address}: expected the address of a Ray cluster, such as 10.0.0.1:6379, found: {found}"
        ) from error
    return ray.cluster_resources()
