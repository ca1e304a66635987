# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that make no sense are refused before anything is sent; errors say what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import ldap
import pytest
import yaml
from ansible_collections.care.remediation.plugins.doc_fragments.directory import ModuleDocFragment
from ansible_collections.care.remediation.plugins.module_utils.directory import connection, ldap_errors
from ansible_collections.care.remediation.plugins.module_utils.directory.connection import ConnectionOptions
from ansible_collections.care.remediation.plugins.module_utils.directory.identity import filter_value, kind_of
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError


@pytest.mark.parametrize(
    ("options", "needle"),
    [
        ({"auth_protocol": "simple", "username": "u", "password": "p"}, "refused without TLS"),
        (
            {"auth_protocol": "simple", "tls_mode": "ldaps", "username": "u", "password": ""},
            "needs username and password",
        ),
        ({"auth_protocol": "simple", "tls_mode": "ldaps"}, "needs username and password"),
        ({"auth_protocol": "ntlm", "username": "u"}, "needs username and password"),
        ({"server": "dc1/evil"}, "not a host name"),
        ({"server": "dc1 -x"}, "not a host name"),
        ({"server": ""}, "server is required"),
        ({"ca_cert": "/nowhere/ca.pem"}, "no file /nowhere/ca.pem"),
    ],
)
def test_refused(options: dict[str, str], needle: str) -> None:
    with pytest.raises(DirectoryError, match=needle):
        ConnectionOptions.from_params({"server": "dc1.example.test", **options})


def test_port_636_means_ldaps() -> None:
    options = ConnectionOptions.from_params({"server": "dc1", "port": 636, "username": "u", "password": "p"})
    assert (options.tls_mode, options.url) == ("ldaps", "ldaps://dc1:636")
    simple = {"auth_protocol": "simple", "username": "u", "password": "p"}
    assert ConnectionOptions.from_params({"server": "fd00::1", "port": 636, **simple}).url == "ldaps://[fd00::1]:636"


def test_password_is_not_shown() -> None:
    assert "hunter2" not in repr(ConnectionOptions("dc1", username="u", password="hunter2"))


def test_fragment_and_argument_spec_say_the_same() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = connection.argument_spec()
    assert documented.keys() == spec.keys()
    for name, option in spec.items():
        for key in ("type", "choices", "default", "elements"):
            assert documented[name].get(key) == option.get(key), (name, key)
        if "fallback" in option:
            assert f"E({option['fallback'][1][0]})" in " ".join(documented[name]["description"])
    assert spec["password"]["no_log"] is True


def test_channel_binding_is_asked_for() -> None:
    assert os.environ["LDAPSASL_CBINDING"] == "tls-endpoint"


@pytest.mark.parametrize(
    ("user", "principal"),
    [
        ("svc", "svc@CHU.TEST"),
        ("CHU\\svc", "svc@CHU.TEST"),
        ("svc@chu.test", "svc@CHU.TEST"),
        ("svc@autre.test", "svc@AUTRE.TEST"),
    ],
)
def test_principal(user: str, principal: str) -> None:
    assert connection.kerberos_principal(user, "CHU.TEST") == principal


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5CCNAME", "FILE:/tmp/mine")
    monkeypatch.delenv("NTLM_USER_FILE", raising=False)
    with pytest.raises(RuntimeError), connection._environment(KRB5CCNAME="x", NTLM_USER_FILE="y"):
        assert (os.environ["KRB5CCNAME"], os.environ["NTLM_USER_FILE"]) == ("x", "y")
        raise RuntimeError
    assert os.environ["KRB5CCNAME"] == "FILE:/tmp/mine"
    assert "NTLM_USER_FILE" not in os.environ


def test_ntlm_file_is_private_and_gone() -> None:
    options = ConnectionOptions("dc1", username="CHU\\svc", password="s3cret")
    with connection._ntlm(options):
        path = Path(os.environ["NTLM_USER_FILE"])
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.read_text(encoding="utf-8") == "CHU:svc:s3cret\n"
    assert not path.exists()


@pytest.mark.parametrize("user", ["a:b", "a\nb"])
def test_ntlm_name_that_would_break_the_file_is_refused(user: str) -> None:
    with (
        pytest.raises(DirectoryError, match="cannot be used"),
        connection._ntlm(ConnectionOptions("dc1", username=user, password="p")),
    ):
        pass


def test_stopped_server_is_named() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        options = ConnectionOptions("127.0.0.1", port=port, auth_protocol="ntlm", username="u", password="p")
        with pytest.raises(DirectoryError, match=f"127.0.0.1 port {port}: connection refused"):
            connection.open_connection(options)


def test_server_that_speaks_no_tls_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        options = ConnectionOptions("127.0.0.1", port=port, tls_mode="ldaps", connection_timeout=1)
        with pytest.raises(DirectoryError, match=f"127.0.0.1 port {port}|connecting to port {port}"):
            connection.open_connection(options)


@pytest.mark.parametrize(
    ("error", "needle"),
    [
        (
            ldap.INVALID_CREDENTIALS({"desc": "Invalid credentials", "info": "80090308: LdapErr, data 775, v1"}),
            "locked out",
        ),
        (ldap.INVALID_CREDENTIALS({"desc": "Invalid credentials", "info": "data 52e, v1"}), "password is wrong"),
        (ldap.INVALID_CREDENTIALS({"info": "80090346: LdapErr: data 35b, v1db1"}), "channel binding"),
        (ldap.STRONG_AUTH_REQUIRED({"desc": "Strong(er) authentication required"}), "signed or encrypted"),
        (ldap.SERVER_DOWN({"desc": "Can't contact LDAP server"}), "running and reachable"),
        (ldap.LOCAL_ERROR({"info": "SASL(-1): Clock skew too great"}), "set the time"),
    ],
)
def test_errors_say_what_to_do(error: Exception, needle: str) -> None:
    assert needle in str(ldap_errors.explain(error, "dc1", "logging on"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a*b", r"a\2ab"),
        ("x)(objectClass=*", r"x\29\28objectClass=\2a"),
        ("back\\slash", r"back\5cslash"),
        ("nul\0", r"nul\00"),
        (" both ", r"\20both\20"),
        ("  ", r"\20\20"),
        ("Élodie d'Arc", "Élodie d'Arc"),
        ("", ""),
    ],
)
def test_filter_value(text: str, escaped: str) -> None:
    assert filter_value(text) == escaped


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ("S-1-5-21-1-2-3-500", "sid"),
        ("{2C1B7C1E-0000-1111-2222-333344445555}", "guid"),
        ("CN=Élodie\\, d'Arc,OU=Imagerie médicale,DC=chu,DC=test", "dn"),
        ("CN=x", "name"),
        ("svc-care", "name"),
        ("x)(cn=*", "name"),
        ("S-1-5-21-1\n", "name"),
    ],
)
def test_kind_of_identity(identity: str, kind: str) -> None:
    assert kind_of(identity) == kind
