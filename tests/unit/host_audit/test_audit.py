"""What is concluded from what was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import (
    expo_ftp,
    expo_postgresql_public,
    expo_redis_unauthenticated,
    expo_ssh_password,
    expo_ssh_root_password,
    expo_telnet,
    expo_tls_obsolete,
    mie_ssh_otp,
)
from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_sockets, audit_ssh
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostSnapshot,
    Listener,
    Unreadable,
)
from ansible_collections.care.remediation.plugins.modules import host_audit


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),
        ("0" * 32, "::"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
        ("0600580A", "10.88.0.6"),
    ],
)
def test_addresses_of_proc(text: str, address: str) -> None:
    assert audit_sockets.address(text) == address


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 31823 1 0 100 0 0 10 0
   1: 0600580A:8F5E 507100CB:0050 06 00000000:00000000 03:000010E2 00000000     0        0 0 3 0
   2: garbage
"""


def test_rows_of_proc() -> None:
    assert list(audit_sockets.rows(TABLE)) == [("0.0.0.0", 23, "31823")]


def test_loopback_is_not_the_network() -> None:
    assert Listener("127.0.0.53", 53, ()).loopback and Listener("::1", 53, ()).loopback
    assert audit_sockets.reachable_at(Listener("127.0.0.1", 6379, ())) is None
    assert audit_sockets.reachable_at(Listener("192.0.2.7", 6379, ())) == "192.0.2.7"


def dump(**values: str) -> str:
    defaults = {
        "pubkeyauthentication": "yes",
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "usepam": "yes",
        "permitrootlogin": "yes",
        "authenticationmethods": "any",
    }
    return "\n".join(f"{name} {value}" for name, value in {**defaults, **values}.items())


@pytest.mark.parametrize(
    ("user", "values", "without_key", "two_factors"),
    [
        ("a", {}, False, False),
        ("a", {"passwordauthentication": "yes"}, True, False),
        ("a", {"kbdinteractiveauthentication": "yes"}, True, False),
        ("a", {"kbdinteractiveauthentication": "yes", "usepam": "no"}, False, False),
        ("a", {"passwordauthentication": "yes", "authenticationmethods": "publickey"}, False, False),
        ("a", {"passwordauthentication": "yes", "authenticationmethods": "publickey,password password"}, True, False),
        (
            "a",
            {"kbdinteractiveauthentication": "yes", "authenticationmethods": "publickey,keyboard-interactive:pam"},
            False,
            True,
        ),
        (
            "a",
            {
                "kbdinteractiveauthentication": "yes",
                "authenticationmethods": "publickey,keyboard-interactive:pam publickey",
            },
            False,
            False,
        ),
        # listed but switched off: nobody gets in that way
        ("a", {"authenticationmethods": "publickey,keyboard-interactive:pam"}, False, False),
        ("root", {"passwordauthentication": "yes"}, True, False),
        ("root", {"passwordauthentication": "yes", "permitrootlogin": "prohibit-password"}, False, False),
        ("root", {"passwordauthentication": "yes", "permitrootlogin": "without-password"}, False, False),
        ("root", {"passwordauthentication": "yes", "permitrootlogin": "no"}, False, False),
    ],
)
def test_ways_in(user: str, values: dict[str, str], without_key: bool, two_factors: bool) -> None:
    way = audit_ssh.way(user, dump(**values))
    assert (way.without_key, way.two_factors) == (without_key, two_factors)


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        ("nobody@127.0.0.1: Permission denied (publickey,password).\n", ["password", "publickey"]),
        ("Permission denied (publickey).", ["publickey"]),
        ("Connection refused", None),
        ("Permission denied ({{ 7*7 }}).", None),
    ],
)
def test_offered_methods(text: str, methods: list[str] | None) -> None:
    assert audit_ssh.methods_of(text) == methods


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("auth [success=done default=die] pam_oath.so usersfile=/etc/users.oath\n@include common-auth\n", True),
        ("auth required pam_oath.so\n", True),
        ("auth sufficient pam_oath.so\n@include common-auth\n", False),
        ("# auth required pam_oath.so\n@include common-auth\n", False),
        ("account required pam_oath.so\n", False),
        ("auth required \\\n pam_google_authenticator.so nullok\n", True),
        ("auth substack two\n", True),
    ],
)
def test_pam(tmp_path: Path, text: str, asks: bool) -> None:
    (tmp_path / "sshd").write_text(text)
    (tmp_path / "common-auth").write_text("auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n")
    (tmp_path / "two").write_text("auth requisite /lib/security/pam_oath.so\n")
    assert audit_ssh.asks_for_code(audit_ssh.pam_rules("sshd", tmp_path)) is asks


def test_pam_files_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "sshd").write_text("@include sshd\n")
    with pytest.raises(Unreadable, match="include each other"):
        audit_ssh.pam_rules("sshd", tmp_path)
    with pytest.raises(Unreadable, match="cannot be read"):
        audit_ssh.pam_rules("absent", tmp_path)


OPEN = audit_ssh.Way("root", (("password",), ("publickey",)), "yes")
KEYS = audit_ssh.Way("root", (("publickey",),), "prohibit-password")
BOTH = audit_ssh.Way("admin", (("publickey", "keyboard-interactive"),), "yes")
SSH_OPEN = {"ports": [22], "ways": {"root": OPEN}, "offered": {22: ["password", "publickey"]}}
SSH_KEYS = {"ports": [22], "ways": {"root": KEYS}, "offered": {22: ["publickey"]}}

CASES: list[tuple[Any, str, Any, Any]] = [
    (expo_telnet, "telnet", [{"port": 23, "programs": ["inetd"], "negotiates": True}], []),
    (expo_ftp, "ftp", [{"port": 21, "programs": ["vsftpd"], "banner": "220 {{ x }}", "anonymous": True}], []),
    (
        expo_redis_unauthenticated,
        "redis",
        [{"port": 6379, "address": "0.0.0.0", "answer": "open"}],
        [
            {"port": 6379, "address": "0.0.0.0", "answer": "password"},
            {"port": 6380, "address": "::", "answer": "protected"},
        ],
    ),
    (
        expo_postgresql_public,
        "postgresql",
        [{"port": 5432, "wildcard": True, "trust": [], "answer": "password"}],
        [{"port": 5432, "wildcard": False, "trust": [], "answer": "password"}],
    ),
    (
        expo_postgresql_public,
        "postgresql",
        [{"port": 5432, "wildcard": False, "trust": ["host all"], "answer": "refused"}],
        [],
    ),
    (expo_tls_obsolete, "tls", [{"port": 443, "programs": ["nginx"], "versions": ["TLSv1.0"]}], []),
    (expo_ssh_password, "ssh", SSH_OPEN, SSH_KEYS),
    # right files that the running sshd has not read
    (expo_ssh_password, "ssh", {**SSH_KEYS, "offered": {22: ["password", "publickey"]}}, {"ports": []}),
    (expo_ssh_root_password, "ssh", SSH_OPEN, SSH_KEYS),
    (
        mie_ssh_otp,
        "mie",
        {"ports": [22], "group": "g", "ways": {"admin": KEYS}, "code": True},
        {"ports": [22], "group": "g", "ways": {"admin": BOTH}, "code": True},
    ),
    (mie_ssh_otp, "mie", {"ports": [22], "group": "g", "ways": {"admin": BOTH}, "code": False}, {"ports": []}),
]


@pytest.mark.parametrize(("control", "part", "bad", "good"), CASES)
def test_controls(control: Any, part: str, bad: Any, good: Any) -> None:
    assert {part} == control.NEEDS
    found = list(control.detect(HostSnapshot({part: bad}, {})))
    assert len(found) == 1 and found[0].severity == control.SEVERITY and found[0].wording
    assert list(control.detect(HostSnapshot({part: good}, {}))) == []


def test_unreadable_is_never_compliant() -> None:
    parts: dict[str, Any] = {"telnet": [], "ftp": [], "redis": [], "tls": [], "mie": {"ports": []}}
    snapshot = HostSnapshot(parts, {"postgresql": "psql is not installed", "ssh": "sshd -T: bad"})
    judged = host_audit.judged(snapshot, "web1")
    assert judged["controls"]["expo_postgresql_public"] == {"state": "unreadable", "reason": "psql is not installed"}
    assert judged["controls"]["expo_ssh_root_password"]["state"] == "unreadable"
    assert judged["controls"]["expo_telnet"] == {"state": "evaluated", "reason": None}
    assert set(judged["controls"]) == {control.ID for control in host_audit.CONTROLS}
