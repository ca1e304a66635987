"""The checkers written here for services that have none, and reading where a service listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts import checks, pam, probes, profiles, units
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", None),
        ("# telnet stream tcp nowait root /bin/true telnetd\n", None),
        ("time stream tcp nowait root internal\n", None),
        ("telnet stream tcp nowait root /bin/sh sh\n", None),
        ("telnet stream tcp nowait root\n", "at least 6"),
        ("telnet stream tcp sometimes root /bin/sh\n", "wait or nowait"),
        ("\ntelnet stream tcp nowait root /no/such sh\n", "line 2"),
    ],
)
def test_inetd(tmp_path: Path, text: str, wrong: str | None) -> None:
    path = tmp_path / "inetd.conf"
    path.write_text(text)
    said = checks.inetd([str(path)])
    assert (said is None) if wrong is None else (said is not None and wrong in said)


@pytest.mark.parametrize(
    ("text", "good"), [("# x\n\nlisten=YES\n", True), ("listen = YES\n", False), ("listen\n", False)]
)
def test_vsftpd(tmp_path: Path, text: str, good: bool) -> None:
    path = tmp_path / "vsftpd.conf"
    path.write_text(text)
    assert (checks.vsftpd([str(path)]) is None) is good


PAM_GOOD = "auth [success=done default=die] {module} window=2\n@include common\n-session optional pam_none.so\n"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (PAM_GOOD, None),
        ("auth required \\\n {module}\n", None),
        ("auth required pam_nothing_like_it.so\n", "not installed"),
        ("auth sometimes {module}\n", "none of required"),
        ("auth [success=maybe] {module}\n", "value=action"),
        ("login required {module}\n", "none of account"),
        ("auth required\n", "type control module"),
        ("@include missing\n", "missing cannot be read"),
    ],
)
def test_pam(tmp_path: Path, text: str, wrong: str | None) -> None:
    module = tmp_path / "pam_here.so"
    module.touch()
    (tmp_path / "common").write_text(f"auth required {module}\n@include sshd\n")  # a circle must end too
    (tmp_path / "sshd").write_text(text.format(module=module))
    said = pam.problem("sshd", str(tmp_path))
    assert (said is None) if wrong is None else (said is not None and wrong in said)


def test_where_nginx_listens() -> None:
    configuration = """
    listen 80;
    listen 443 ssl http2;
    listen [::]:443 ssl;
    listen 192.0.2.1:8443 ssl default_server;
    listen unix:/run/x.sock;
    # listen 81;
    listen 443 quic;
    """
    assert probes.listeners(configuration) == [
        ("127.0.0.1", 80, False),
        ("127.0.0.1", 443, True),
        ("192.0.2.1", 8443, True),
        ("::1", 443, True),
    ]


@pytest.mark.parametrize("name", ["../x", "-x", "a b", "x.service; reboot", "", "é"])
def test_odd_units_are_refused(name: str) -> None:
    with pytest.raises(HostError):
        units.full_name(name)


def test_unit_names() -> None:
    assert [units.full_name(name) for name in ("ssh", "ssh.socket", "postgresql@15-main")] == [
        "ssh.service",
        "ssh.socket",
        "postgresql@15-main.service",
    ]


def test_profiles() -> None:
    assert {name for name, profile in profiles.PROFILES.items() if profile.guarded} == {"sshd", "pam_sshd"}
    with pytest.raises(HostError, match="no profile"):
        profiles.get("rm -rf /")


def test_clusters() -> None:
    paths = ["/etc/postgresql/15/main/pg_hba.conf", "/etc/postgresql/15/main/postgresql.conf", "/etc/postgresql/16/b/x"]
    assert checks.postgresql_clusters(paths) == [("15", "main"), ("16", "b")]
