"""The table that closes ports, and the way in that it never closes."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts import exposure, management, ruleset_plan, rulesets
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

TABLE = rulesets.Table("inet", "care_exposure")
PATH = management.Management("192.0.2.7", (22,))


def ports(*numbers: int) -> list[dict[str, object]]:
    return [{"port": number, "protocol": "tcp"} for number in numbers]


def wanted(close=(), policy=(), sources=(), default="accept", present="", path=PATH) -> exposure.Wanted:  # type: ignore[no-untyped-def]
    return exposure.wanted(exposure.parse(close, policy, sources, default), present, path, TABLE)


def test_the_way_in_comes_before_everything_that_closes() -> None:
    lines = wanted(ports(23, 6379), sources=["198.51.100.0/24", "2001:db8::1"]).text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.endswith("drop"))
    for way in (
        "ct state established,related accept",
        'iif "lo" accept',
        "ip saddr { 192.0.2.7/32, 198.51.100.0/24 } tcp dport 22 accept",
        "ip6 saddr 2001:db8::1/128 tcp dport 22 accept",
    ):
        assert lines.index(way) < first
    assert lines[first] == "tcp dport { 23, 6379 } drop"
    assert "policy accept" in lines[2]


def test_policy_opens_for_all_or_for_some() -> None:
    result = wanted(ports(443, 5432), [{"port": 443}, {"port": 5432, "sources": ["10.0.0.0/8"]}])
    assert "443" not in result.text
    assert result.closed == [("tcp", 5432)]
    lines = result.text.splitlines()
    assert lines.index("ip saddr 10.0.0.0/8 tcp dport 5432 accept") < lines.index("tcp dport { 5432 } drop")


@pytest.mark.parametrize("anyone", [[], ["any"], ["0.0.0.0/0"], ["::/0", "10.0.0.1"], None])
def test_anyone(anyone: list[str] | None) -> None:
    assert wanted(ports(80), [{"port": 80, "sources": anyone}]).text == ""


def test_closing_the_way_in_is_a_hazard() -> None:
    result = wanted(ports(22), sources=["198.51.100.0/24"])
    assert {hazard["object"] for hazard in result.hazards} == {"192.0.2.7/32 tcp/22", "198.51.100.0/24 tcp/22"}
    assert {hazard["kind"] for hazard in result.hazards} == {"management_path"}


def test_closing_the_way_in_for_others_is_none() -> None:
    policy = [{"port": 22, "sources": ["192.0.2.0/24", "198.51.100.0/24"]}]
    result = wanted(ports(22), policy, ["198.51.100.0/24"])
    assert result.hazards == []
    assert "tcp dport { 22 } drop" in result.text
    # Not covered by its policy: the operator of the present connection.
    assert [h["object"] for h in wanted(ports(22), [{"port": 22, "sources": ["10.0.0.1"]}]).hazards] == [
        "192.0.2.7/32 tcp/22"
    ]


def test_another_port_of_sshd_is_the_way_in_too() -> None:
    path = management.Management("2001:db8::9", (22, 2222))
    assert wanted(ports(2222), path=path).hazards
    assert "ip6 saddr 2001:db8::9/128 tcp dport { 22, 2222 } accept" in wanted(ports(23), path=path).text


def test_closed_stays_closed_until_policy_allows_it() -> None:
    listing = "table inet care_exposure {\n\tchain input {\n"
    listing += "\t\ttcp dport { 21-23, 6379 } drop\n\t\tudp dport 161 drop\n\t}\n}\n"
    assert exposure.closed_by(listing) == {("tcp", 21), ("tcp", 22), ("tcp", 23), ("tcp", 6379), ("udp", 161)}
    assert wanted([], present=listing).closed == sorted(exposure.closed_by(listing))
    assert ("tcp", 6379) not in wanted([], [{"port": 6379}], present=listing).closed


def test_nothing_to_close_is_no_table() -> None:
    assert wanted().text == ""


def test_default_drop_keeps_what_a_network_needs() -> None:
    text = wanted([], [{"port": 443}, {"port": 53, "protocol": "udp", "sources": ["10.0.0.1"]}], default="drop").text
    for line in (
        "type filter hook input priority filter; policy drop;",
        "meta l4proto { icmp, ipv6-icmp } accept",
        "tcp dport 443 accept",
        "ip saddr 10.0.0.1/32 udp dport 53 accept",
        "ip saddr 192.0.2.7/32 tcp dport 22 accept",
    ):
        assert line in text.splitlines()


HOSTILE = ["1; flush ruleset", '"} table inet x {', "{{ 7*7 }}", "$(reboot)", "22\n\t\taccept"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_gets_into_the_ruleset(text: str) -> None:
    assert text not in wanted([{"port": 23, "label": text}], [{"port": 80, "label": text}]).text
    with pytest.raises(HostError, match="not a port"):
        wanted([{"port": text}])
    with pytest.raises(HostError, match="not a port"):
        wanted([{"port": 23, "protocol": text}])
    with pytest.raises(HostError, match="not an address"):
        wanted(ports(23), [{"port": 23, "sources": [text]}])
    with pytest.raises(HostError, match="not an address"):
        wanted(ports(23), sources=[text])


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("table inet care_exposure {\n}\n", True),
        ('table inet care_exposure { chain a { comment "}" ; } }', True),
        ("table inet care_exposure { # }\n}\n", True),
        ("table inet care_exposure { }\nflush ruleset\n", False),
        ("table inet care_exposure { } table inet other { }", False),
        ("flush ruleset\ntable inet care_exposure { }", False),
        ("table inet other { }", False),
        ('table inet care_exposure {\ninclude "/etc/shadow"\n}\n', False),
        ("table inet care_exposure {\nchain a { }\n", False),
    ],
)
def test_one_table_and_nothing_else(text: str, only: bool) -> None:
    assert rulesets.is_only(TABLE, text) is only


@pytest.mark.parametrize("name", ["filter", "care exposure", "care_x; flush ruleset", "care_é", ""])
def test_only_our_own_tables(name: str) -> None:
    with pytest.raises(HostError):
        ruleset_plan.table_of(name, "inet")


def test_saved_file() -> None:
    assert ruleset_plan.saved_file(TABLE) == "/etc/nftables.d/care-exposure.nft"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.7 51000 198.51.100.1 22", ("192.0.2.7", 22)),
        ("::ffff:192.0.2.7 51000 ::ffff:198.51.100.1 2222", ("192.0.2.7", 2222)),
        ("fe80::1%eth0 51000 fe80::2%eth0 22", ("fe80::1", 22)),
    ],
)
def test_ssh_connection(text: str, expected: tuple[str, int]) -> None:
    assert management.parse(text) == expected


@pytest.mark.parametrize("text", ["", "nonsense", "192.0.2.7 1 192.0.2.1 ssh"])
def test_odd_ssh_connection(text: str) -> None:
    with pytest.raises(HostError):
        management.parse(text)
