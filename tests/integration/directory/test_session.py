# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every way to connect to a domain controller that demands signing and channel binding; and clear failures."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import DC_FQDN, DOMAIN, NETBIOS, Domain

TLS = {"ldap": None, "ldaps": "ldaps", "start_tls": "start_tls"}


def test_server_demands_strong_authentication(domain: Domain) -> None:
    """What the rest is worth: without signing this server lets nobody in. Asked by ldapsearch, not by our code."""
    said = domain.must("testparm", "-s", "--parameter-name=ldap server require strong auth")
    assert said.strip().lower() == "yes"
    options = domain.options()
    done = subprocess.run(
        ["ldapsearch", "-x", "-H", f"ldap://{domain.address}", "-D", options["username"], "-w", options["password"],
         "-b", "", "-s", "base"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 8, done.stderr  # strongAuthRequired


@pytest.mark.parametrize("transport", TLS)
@pytest.mark.parametrize("auth", ["kerberos", "ntlm", "negotiate", "simple"])
def test_every_way_in(domain: Domain, transport: str, auth: str) -> None:
    answer = domain.probe(domain.options(tls_mode=TLS[transport], auth_protocol=auth))
    if transport == "ldap" and auth == "simple":
        assert "refused without TLS" in answer["error"]
        return
    assert "error" not in answer, answer
    assert answer["mechanism"] == {"negotiate": "kerberos"}.get(auth, auth)
    assert answer["server"].lower() == DC_FQDN
    assert answer["dns_name"] == DOMAIN
    assert answer["users"] > 3
    assert answer["environment_restored"]
    assert answer["descriptor"]
    found = domain.must("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", "(sAMAccountName=svc-care)", "objectSid")
    assert answer["connected_sid"] in found


@pytest.mark.parametrize("transport", TLS)
@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "simple"])
def test_by_address(domain: Domain, transport: str, auth: str) -> None:
    if transport == "ldap" and auth == "simple":
        pytest.skip("refused without TLS")
    answer = domain.probe(domain.options(server=domain.address, tls_mode=TLS[transport], auth_protocol=auth))
    assert "error" not in answer, answer
    # whether a ticket can be had for an address is the domain's affair; without one NTLM gets in
    assert answer["mechanism"] in {"negotiate": ("kerberos", "ntlm")}.get(auth, (auth,))


@pytest.mark.parametrize("name", [f"{NETBIOS}\\svc-care", "svc-care"])
@pytest.mark.parametrize("auth", ["kerberos", "ntlm"])
def test_user_names(domain: Domain, auth: str, name: str) -> None:
    answer = domain.probe(domain.options(auth_protocol=auth, username=name))
    assert answer.get("mechanism") == auth, answer


def test_signed_only_when_asked(domain: Domain) -> None:
    assert domain.probe(domain.options(auth_protocol="kerberos", encrypt=False)).get("mechanism") == "kerberos"


@pytest.mark.parametrize("transport", ["ldaps", "start_tls"])
@pytest.mark.parametrize("auth", ["kerberos"])
def test_channel_binding_is_what_lets_us_in(domain: Domain, transport: str, auth: str) -> None:
    """Without the binding the same server refuses the same account: so it is really sent, and really demanded."""
    options = domain.options(tls_mode=transport, auth_protocol=auth)
    assert "error" in domain.probe(options, {"LDAPSASL_CBINDING": "none"})


@pytest.mark.parametrize(
    ("options", "needle"),
    [
        ({"password": "wrong", "auth_protocol": "ntlm"}, "password is wrong"),
        ({"password": "wrong", "auth_protocol": "kerberos"}, "password is wrong"),
        ({"password": "wrong", "auth_protocol": "simple", "tls_mode": "ldaps"}, "password is wrong"),
        ({"username": "nobody-at-all", "auth_protocol": "kerberos"}, "does not exist"),
        ({"ca_cert": None, "tls_mode": "ldaps"}, "ca_cert"),
        ({"ca_cert": None, "tls_mode": "start_tls"}, "ca_cert"),
        ({"server": "other-name.test", "tls_mode": "ldaps"}, "name that the certificate bears"),
        ({"server": "nowhere.invalid"}, "does not resolve"),
        ({"port": 9}, "connection refused"),
        ({"port": 88, "tls_mode": "ldaps"}, "port 88"),
    ],
)
def test_what_it_says(domain: Domain, options: dict[str, Any], needle: str) -> None:
    answer = domain.probe(domain.options(**options))
    assert needle in answer.get("error", ""), answer


@pytest.mark.parametrize("transport", ["ldaps", "start_tls"])
def test_certificate_options(domain: Domain, transport: str, tmp_path: Path) -> None:
    other = domain.options(server="other-name.test", tls_mode=transport, auth_protocol="ntlm")
    assert domain.probe({**other, "cert_validation": "ignore_hostname"}).get("mechanism") == "ntlm"
    # the chain still counts
    refused = domain.probe({**other, "cert_validation": "ignore_hostname", "ca_cert": None})
    assert "ca_cert" in refused["error"], refused
    assert domain.probe({**other, "cert_validation": "ignore", "ca_cert": None}).get("mechanism") == "ntlm"
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate", encoding="utf-8")
    assert "PEM" in domain.probe({**other, "ca_cert": str(junk)})["error"]
