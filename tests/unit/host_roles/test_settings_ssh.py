"""What sshd and PAM should become."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import oath, pam, sockets, sshd

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


@pytest.mark.parametrize(
    ("main", "changed"),
    [
        ("Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n", False),
        ("# comment\n\n  include sshd_config.d/*.conf\n", False),
        ("Include /etc/ssh/other.conf\nInclude /etc/ssh/sshd_config.d/*.conf\n", False),
        ("PasswordAuthentication yes\nInclude /etc/ssh/sshd_config.d/*.conf\n", True),
        ("PasswordAuthentication yes\n", True),
        ("#Include /etc/ssh/sshd_config.d/*.conf\n", True),
        ("Include /etc/ssh/sshd_config.d/x/*.conf\n", True),
        ("", True),
    ],
)
def test_the_drop_in_is_read_first(main: str, changed: bool) -> None:
    result = sshd.with_include(main, sshd.KEYS_ONLY)
    assert result == (f"Include {sshd.KEYS_ONLY}\n{main}" if changed else main)
    assert sshd.with_include(result, sshd.KEYS_ONLY) == result


def test_the_second_factor_is_read_before_what_closes_prompts() -> None:
    assert sorted([sshd.KEYS_ONLY, sshd.ROOT_KEY_ONLY, sshd.MIE])[0] == sshd.MIE
    assert sshd.read_before(["00-a.conf", "00-care-mie-ssh.conf", "50-cloud.conf"], sshd.KEYS_ONLY) == ["00-a.conf"]


def test_every_rule_stands_in_a_match_block_too() -> None:
    for text in (sshd.keys_only(), sshd.root_key_only()):
        outside, inside = text.split("Match all\n")
        stated = [line for line in outside.splitlines() if not line.startswith("#")]
        assert [line.strip() for line in inside.splitlines()] == stated


def test_exempt_accounts_are_exempt_by_the_match_line() -> None:
    text = sshd.mie("administrateurs", ["ansible", "secours"])
    assert "Match Group administrateurs User *,!ansible,!secours\n" in text
    # sshd 9.2 drops connections when "any" follows other methods
    assert "any" not in text.split("Match Group")[1]
    assert "Match Group g User *\n" in sshd.mie("g", [])


@pytest.mark.parametrize(
    "name", ["a b", "x,y", "*", "!root", "a:b", "", "-x", "groupe d’admin", "a\nMatch all", "x" * 70]
)
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    assert not sshd.NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["admin.web", "svc-care", "CHU_admin", "poste01$", "jean@chu.example"])
def test_plain_names_are_taken(name: str) -> None:
    assert sshd.NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("methods", "key", "prompt"),
    [
        ("any", True, False),
        ("publickey", True, False),
        ("publickey,password publickey", True, False),
        ("publickey,keyboard-interactive:pam", False, True),
        ("password", False, True),
        ("gssapi-with-mic", False, False),
    ],
)
def test_methods(methods: str, key: bool, prompt: bool) -> None:
    assert sshd.key_is_enough(methods) is key
    assert sshd.needs_prompt(methods) is prompt


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"ssh-ed25519 {KEY} admin\n", 1),
        (f'from="192.0.2.0/24",command="x y" ssh-ed25519 {KEY}\n', 1),
        (f"# ssh-ed25519 {KEY}\n", 0),
        (f"cert-authority ssh-ed25519 {KEY}\n", 0),
        (f"ssh-dss {KEY}\n", 0),
        ("ssh-ed25519 not-base64\n", 0),
        ("", 0),
        ("\0\xff{{ 7*7 }}$(id)\n", 0),
    ],
)
def test_authorized_keys(text: str, count: int) -> None:
    assert sshd.keys(text) == count


@pytest.mark.parametrize(
    ("text", "clashes"),
    [
        ("AuthenticationMethods any\n", True),
        ("authenticationmethods=any\n", True),
        ("#AuthenticationMethods any\n", False),
        ("AuthenticationMethods publickey\n", False),
    ],
)
def test_a_later_any_is_seen(text: str, clashes: bool) -> None:
    assert sshd.clashes(text) is clashes


RULES = pam.block("administrateurs", ["ansible", "secours"], "/etc/users.oath", 2, 6)


def test_pam_block() -> None:
    assert RULES.splitlines()[1:4] == [
        "auth [success=2 default=ignore] pam_succeed_if.so quiet user in ansible:secours",
        "auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup administrateurs",
        "auth [success=done default=die] pam_oath.so usersfile=/etc/users.oath window=2 digits=6",
    ]
    # The jumps land on the first line after the block, whatever its number of lines.
    assert "success=2" not in pam.block("g", [], "/f", 2, 6)


@pytest.mark.parametrize(
    "text",
    [
        "# head\n@include common-auth\naccount required pam_nologin.so\n",
        "auth required pam_sepermit.so\nauth substack password-auth\n",
        "auth requisite pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so nullok\n",
    ],
)
def test_pam_block_stands_before_the_first_password_rule(text: str) -> None:
    result = pam.with_block(text, RULES)
    assert result.replace(RULES, "") == text
    assert pam._AUTH.match(result.split(RULES)[1])
    assert pam.with_block(result, RULES) == result
    other = pam.block("autres", [], "/etc/users.oath", 2, 8)
    assert pam.with_block(result, other) == pam.with_block(text, other)


def test_pam_unknown_layout_is_refused() -> None:
    with pytest.raises(pam.PamLayoutError, match="common-auth"):
        pam.with_block("account required pam_unix.so\n", RULES)


def test_oath_users() -> None:
    text = (
        "# HOTP/T30/6 old - 00\nHOTP/T30/6\tadmin.web\t-\t3132\t0\t145015\t2026-11-22T02:17:26L\nHOTP a - 31\nbroken\n"
    )
    assert oath.users(text) == {"admin.web", "a"}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/vsftpd.service\n", "vsftpd.service"),
        (
            "9:name=systemd:/x/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
            "postgresql@15-main.service",
        ),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("", None),
    ],
)
def test_unit_of_a_process(text: str, unit: str | None) -> None:
    assert sockets.unit_of_cgroup(text) == unit
