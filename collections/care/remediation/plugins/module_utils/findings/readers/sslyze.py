# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""sslyze's JSON (``--json_out``), versions 5 and 6, one server at a time. Format: ``SslyzeOutputAsJson``.

sslyze states what a server does and grades nothing. The rule is the name of sslyze's own scan command, with the field
of its result behind a dot where one command tells several things; the grade is ours, with its reason beside it here.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .jsonstream import Head, items
from .jsonvalues import kept, mapping, moment, number, port_number, sequence, text, texts
from .xmlstream import Unknown, cut

PLACES: Final = (
    "sslyze_version",
    "date_scans_started",
    "date_scans_completed",
    "invalid_server_strings.item",
    "server_scan_results.item",
)
# RFC 6176, RFC 7568 and RFC 8996 forbid them.
OBSOLETE: Final = {
    "ssl_2_0_cipher_suites": ("SSL 2.0", "high"),
    "ssl_3_0_cipher_suites": ("SSL 3.0", "high"),
    "tls_1_0_cipher_suites": ("TLS 1.0", "medium"),
    "tls_1_1_cipher_suites": ("TLS 1.1", "medium"),
}
CIPHERS: Final = (*OBSOLETE, "tls_1_2_cipher_suites", "tls_1_3_cipher_suites")
# Parts of cipher suites' names (IANA), the worst first: rule, grade, what is wrong (RFC 9325 section 4.1)
WEAK_CIPHERS: Final = (
    ("null", ("_NULL_", "NULL-"), "high", "cipher suites without encryption"),
    ("export", ("EXPORT", "EXP-"), "high", "cipher suites of export grade"),
    ("anonymous", ("_anon_", "ADH-", "AECDH-"), "high", "cipher suites without authentication"),
    ("rc4", ("RC4", "RC2"), "medium", "RC4 or RC2 (RFC 7465)"),
    ("des", ("_DES_", "3DES", "DES-CBC", "IDEA", "SEED"), "medium", "ciphers with short blocks or keys (SWEET32)"),
)
# command: (field of its result, its bad value, title, grade, CVE)
CHECKS: Final = {
    "heartbleed": ("is_vulnerable_to_heartbleed", True, "Heartbleed", "critical", "CVE-2014-0160"),
    "openssl_ccs_injection": (
        "is_vulnerable_to_ccs_injection",
        True,
        "OpenSSL CCS injection",
        "high",
        "CVE-2014-0224",
    ),
    "tls_compression": ("supports_compression", True, "TLS compression (CRIME)", "medium", "CVE-2012-4929"),
    "tls_fallback_scsv": ("supports_fallback_scsv", False, "no protection against downgrades", "low", ""),
}
# robot_result: the two that say that the oracle is there (strong: a signature or decryption is practical)
ROBOT: Final = {"VULNERABLE_STRONG_ORACLE": "high", "VULNERABLE_WEAK_ORACLE": "medium"}
# Said for information, or settings without a judgement
OTHER: Final = """
    tls_1_3_early_data session_resumption elliptic_curves http_headers tls_extended_master_secret pq_key_exchange
    signature_algorithms
"""
COMMANDS: Final = frozenset(["certificate_info", "robot", "session_renegotiation", *CIPHERS, *CHECKS, *OTHER.split()])
SERVICES: Final = {"SMTP": "smtp", "FTP": "ftp", "IMAP": "imap", "POP3": "pop3", "LDAP": "ldap", "RDP": "rdp"} | {
    "POSTGRES": "postgresql",
    "XMPP": "xmpp",
    "XMPP_SERVER": "xmpp-server",
}
MAX_ASSETS: Final = 65_536


class SslyzeReader:
    """Reads one file."""

    type = "sslyze"

    def __init__(self) -> None:
        self.info = new_info()
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.unknown = Unknown()
        self._assets: dict[str, Asset] = {}
        self._asked: set[str] = set()

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether a file that begins so is sslyze's."""
        return "server_scan_results" in head.keys and bool(
            head.keys & {"invalid_server_strings", "sslyze_version", "date_scans_started"}
        )

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record. Raises ReportError."""
        counts = {"server_scan_results.item": 0, "invalid_server_strings.item": 0}
        for where, value in items(stream, PLACES, self.skipped, self.notes):
            if where == "sslyze_version":
                self.info["version"] = text(value, 40) or None
            elif where in counts:
                counts[where] += 1
                place = f"{where.removesuffix('.item')} {counts[where]}"
                if where.startswith("invalid"):
                    self._invalid(mapping(value), place)
                else:
                    yield from self._server(mapping(value), place)
            elif generated := moment(value):
                self.info["generated"] = generated
                self.info["finished"] = "success" if where == "date_scans_completed" else self.info["finished"]
        self.info["profile"] = ", ".join(sorted(self._asked)) or None
        self.notes += self.unknown.note()

    def _invalid(self, entry: Mapping[str, Any], place: str) -> None:
        said = f"{text(entry.get('server_string'), 200)}: {text(entry.get('error_message'), 200)}"
        self.skipped.add(place, f"sslyze could not scan {said}")

    def _server(self, entry: Mapping[str, Any], place: str) -> Iterator[Record]:
        location = mapping(entry.get("server_location"))
        name, value = text(location.get("hostname"), 255), port_number(location.get("port"))
        address = normal_address(text(location.get("ip_address"), 80)) or normal_address(name)
        if value is None or not (name or address):
            self.skipped.add(place, "names no host and port")
            return
        place = f"{place} ({cut(name or str(address), 80)}:{value})"
        known = f"{address} {name}"
        asset = self._assets.get(known)
        if asset is None:
            if len(self._assets) >= MAX_ASSETS:
                self._assets.clear()
            asset = self._assets[known] = Asset(
                [address] if address else [], [name] if name and not normal_address(name) else []
            )
            yield Record(HOST, asset, place=place)
        results = mapping(entry.get("scan_result"))
        if not results:
            trace = text(entry.get("connectivity_error_trace"), 4000).rsplit("\n", 1)[-1]
            status = text(entry.get("connectivity_status") or entry.get("scan_status"), 80)
            self.skipped.add(place, f"sslyze could not scan it: {trace or status}")
            # The port is not in the record: it was not looked at, so nothing said of it earlier is closed.
            yield Record(INFO, asset, rule="connectivity_status", wording=cut(trace, 500), severity=status, place=place)
            return
        starttls = text(mapping(entry.get("network_configuration")).get("tls_opportunistic_encryption"), 40)
        port = Port("tcp", value, "open", SERVICES.get(starttls.upper()), tunnel="" if starttls else "ssl")
        yield Record(PORT, asset, port=port, place=place)
        for command, attempt in results.items():
            yield from self._command(command, mapping(attempt), asset, port, place)

    def _command(
        self, command: str, attempt: Mapping[str, Any], asset: Asset, port: Port, place: str
    ) -> Iterator[Record]:
        if command not in COMMANDS:
            self.unknown.add(command)
            return
        status = text(attempt.get("status"), 40)
        if status == "NOT_SCHEDULED":
            return
        self._asked.add(command)
        place = f"{place}, {command}"
        result = mapping(attempt.get("result"))
        if status != "COMPLETED" or not result:
            reason = text(attempt.get("error_reason"), 200)
            self.skipped.add(place, f"sslyze could not do this: {reason or status or 'it has no result'}")
            self.info["closes"] = False
            return
        found = list(self._weaknesses(command, result))
        for rule, title, grade, wording, facts in found:
            yield Record(
                WEAKNESS,
                asset,
                rule=rule,
                title=title,
                wording=wording,
                grade=grade,
                port=port,
                facts=kept(facts),
                place=place,
            )
        if not found:
            yield Record(INFO, asset, rule=command, port=port, place=place)

    def _weaknesses(self, command: str, result: Mapping[str, Any]) -> Iterator[_Weakness]:
        if command in CIPHERS:
            yield from _ciphers(command, result)
        elif command in CHECKS:
            field, bad, title, grade, cve = CHECKS[command]
            if result.get(field) is bad:
                yield command, title, grade, f"{field}: {str(bad).lower()}", {"cve": [cve] if cve else []}
        elif command == "robot":
            said = text(result.get("robot_result"), 80)
            if said in ROBOT:
                yield command, "ROBOT", ROBOT[said], said, {"cve": ["CVE-2017-13099"]}
        elif command == "session_renegotiation":
            if result.get("supports_secure_renegotiation") is False:
                field = "supports_secure_renegotiation"
                yield f"{command}.{field}", "insecure renegotiation", "medium", "", {"cve": ["CVE-2009-3555"]}
            field = "is_vulnerable_to_client_renegotiation_dos"
            if result.get(field) is True or result.get("accepts_client_renegotiation") is True:
                yield f"{command}.{field}", "clients may renegotiate at will", "low", "", {"cve": ["CVE-2011-1473"]}
        elif command == "certificate_info":
            yield from self._certificates(result)

    def _certificates(self, result: Mapping[str, Any]) -> Iterator[_Weakness]:
        said: dict[str, _Weakness] = {}
        for deployment in sequence(result.get("certificate_deployments")):
            for weakness in _certificate(mapping(deployment), self.info["generated"]):
                said.setdefault(weakness[0], weakness)  # one server may have several certificates
        yield from said.values()


_Weakness = tuple[str, str, str, str, dict[str, Any]]


def _ciphers(command: str, result: Mapping[str, Any]) -> Iterator[_Weakness]:
    names: list[str] = []
    anonymous = False
    for one in sequence(result.get("accepted_cipher_suites")):
        suite = mapping(mapping(one).get("cipher_suite"))
        name = text(suite.get("name"), 100) or text(suite.get("openssl_name"), 100)
        if name:
            names.append(name)
        anonymous = anonymous or suite.get("is_anonymous") is True
    if command in OBSOLETE and (names or result.get("is_tls_version_supported") is True):
        version, grade = OBSOLETE[command]
        yield command, f"{version} is accepted", grade, ", ".join(names), {}
    for rule, parts, grade, what in WEAK_CIPHERS:
        weak = [name for name in names if any(part in name for part in parts)]
        if weak or (rule == "anonymous" and anonymous):
            yield f"{command}.{rule}", f"{what} are accepted", grade, ", ".join(weak), {}


def _certificate(deployment: Mapping[str, Any], now: str | None) -> Iterator[_Weakness]:
    chain = [mapping(one) for one in sequence(deployment.get("received_certificate_chain"))]
    leaf = chain[0] if chain else {}
    subject = text(mapping(leaf.get("subject")).get("rfc4514_string"), 300)
    issuer = text(mapping(leaf.get("issuer")).get("rfc4514_string"), 300)
    facts = {"subject": subject, "issuer": issuer, "not_valid_after": moment(leaf.get("not_valid_after"))}
    base = "certificate_info"
    ends, begins = facts["not_valid_after"], moment(leaf.get("not_valid_before"))
    now = now or datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if ends is not None and ends < now:
        yield f"{base}.not_valid_after", "the certificate has expired", "medium", f"on {ends}", facts
    if begins is not None and begins > now:
        yield f"{base}.not_valid_before", "the certificate is not valid yet", "medium", f"from {begins}", facts
    if deployment.get("leaf_certificate_subject_matches_hostname") is False:  # sslyze 5
        field = "leaf_certificate_subject_matches_hostname"
        yield f"{base}.{field}", "the certificate is for another name", "medium", subject, facts
    paths = [mapping(one) for one in sequence(deployment.get("path_validation_results"))]
    if paths and not any(one.get("was_validation_successful") is True for one in paths):
        # A hospital's own authority looks the same to public trust stores: low.
        errors = texts([one.get("validation_error") or one.get("openssl_error_string") for one in paths], 300)
        alone = bool(subject) and subject == issuer
        title = "the certificate is self-signed" if alone else "no public trust store knows the certificate"
        yield f"{base}.path_validation_results", title, "low", "; ".join(errors), facts
    for field, title in (
        ("verified_chain_has_sha1_signature", "the certificate chain has a SHA-1 signature"),
        ("verified_chain_has_legacy_symantec_anchor", "the certificate chain ends at a distrusted Symantec authority"),
    ):
        if deployment.get(field) is True:
            yield f"{base}.{field}", title, "medium", subject, facts
    key = mapping(leaf.get("public_key"))
    size, algorithm = number(key.get("key_size"), 1, 1 << 20), text(key.get("algorithm"), 40)
    least = 2048 if "RSA" in algorithm.upper() else 224  # RFC 9325 section 4.5
    if size is not None and size < least:
        yield f"{base}.key_size", "the certificate's key is short", "medium", f"{algorithm}, {int(size)} bits", facts
