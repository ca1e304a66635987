"""trustAttributes through the Local Security Authority: compare, write, say what became of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import trust_writer
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.lsa_messages import LsaError, TrustInformation

ITEM = ("<GUID=1>", [(1, "trustAttributes", [b"64"]), (0, "trustAttributes", [b"68"])])


class FakeSession:
    def __init__(self, partner: str | None = "partenaire.test") -> None:
        self.partner = partner

    def read(self, dn: str, _attributes: list[str]) -> Entry | None:
        return Entry(dn, CaseInsensitiveDict({"trustPartner": [self.partner.encode()]} if self.partner else {}))


class FakePolicy:
    def __init__(self, attributes: int = 64, refuse: str | None = None) -> None:
        self.trust = TrustInformation("partenaire.test", "PARTENAIRE", b"", 3, 2, attributes)
        self.refuse = refuse
        self.written: list[tuple[str, TrustInformation]] = []

    def query(self, name: str) -> TrustInformation:
        assert name == "partenaire.test"
        return self.trust

    def set(self, name: str, trust: TrustInformation) -> None:
        if self.refuse:
            raise LsaError(self.refuse)
        self.written.append((name, trust))


def written(policy: FakePolicy, session: Any = None, item: Any = ITEM) -> Any:
    @contextmanager
    def connect(_session: Any) -> Any:
        yield policy

    (result,) = trust_writer.write(session or FakeSession(), [item], connect)
    return result


def test_only_the_attributes_are_written() -> None:
    policy = FakePolicy()
    assert written(policy).code == 0
    ((name, trust),) = policy.written
    assert (name, trust) == ("partenaire.test", policy.trust.with_attributes(68))


def test_a_first_value() -> None:
    policy = FakePolicy(attributes=0)
    assert written(policy, item=("x", [(0, "trustAttributes", [b"4"])])).ok
    assert policy.written[0][1].attributes == 4


def test_moved_meanwhile() -> None:
    policy = FakePolicy(attributes=32)
    result = written(policy)
    assert (result.code, policy.written) == (trust_writer.MOVED, [])


@pytest.mark.parametrize(
    ("policy", "session", "said"),
    [
        (FakePolicy(refuse="access denied"), FakeSession(), "access denied"),
        (FakePolicy(), FakeSession(None), "trustPartner"),
    ],
)
def test_refused(policy: FakePolicy, session: FakeSession, said: str) -> None:
    result = written(policy, session)
    assert result.code == trust_writer.REFUSED
    assert said in str(result.error)
    assert policy.written == []


def test_the_authority_cannot_be_reached() -> None:
    def connect(_session: Any) -> Any:
        raise LsaError("no answer")

    (result,) = trust_writer.write(FakeSession(), [ITEM], connect)  # type: ignore[arg-type]
    assert (result.code, str(result.error)) == (trust_writer.REFUSED, "no answer")
    (result,) = trust_writer.write(FakeSession(), [ITEM], None)  # type: ignore[arg-type]
    assert "Local Security Authority" in str(result.error)
