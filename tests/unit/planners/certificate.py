"""A certificate made with openssl (its key was thrown away), and the end of validity that openssl prints for it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

CERTIFICATE = base64.b64decode(
    "MIIBqzCCAVGgAwIBAgIUNF2iOA+zNy74S+th2H2j2SU2oOIwCgYIKoZIzj0EAwIwKzEMMAoGA1UEAwwDYWRtMRswGQYKCZImiZPy"
    "LGQBGRYLY2h1LXZhbG1vbnQwHhcNMjYxMTIyMDE1NzA1WhcNMjgxMTIxMDE1NzA1WjArMQwwCgYDVQQDDANhZG0xGzAZBgoJkiaJ"
    "k/IsZAEZFgtjaHUtdmFsbW9udDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGPhaAv1rDe25IFGhaA0EkvGV999xMTxnqkLi2Re"
    "b1v15g9grTxwF+FYWzWKi09Zcp/RmaDTXqBRmWMQXxlTZ72jUzBRMB0GA1UdDgQWBBTJVE8EsgoH6JjXX+9P4iBa5rExBzAfBgNV"
    "HSMEGDAWgBTJVE8EsgoH6JjXX+9P4iBa5rExBzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIGjy4+n+wZa5wgm7"
    "mrdBKvnoZkOfdyFISDo8OqyiRBjRAiEAnwBNF7rpcB3FVouOvMuM4T1UqwkOIWfxGiZWT4tpyZw="
)
CERTIFICATE_NOT_AFTER = datetime(2028, 11, 21, 1, 57, 5, tzinfo=UTC)
