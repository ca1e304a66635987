# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Throughput and memory of the readers of large reports, as ratios in one run.

    python tests/benchmarks/readers.py [--peers] [--rounds 3] [--only nessus|nmap|nuclei] [--scale 1.0]

Generates (once, into build/bench-reports) .nessus files of 200 MB and 1 GB, nmap XML of 200 MB and 1,000,000 lines of
nuclei JSON, then reads each with the program's reader and with the floor: bare expat callbacks that count, or a bare
json.loads of each line. A whole-tree parse (ElementTree) and, with --peers, python-libnmap (installed aside, into
build/bench-venv) read the 200 MB files. Each reading is a process of its own, in turn; the least CPU time of the rounds
counts, and its peak of memory is its own. Prints; asserts nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))
FOLDER = ROOT / "build" / "bench-reports"
PEERS = ROOT / "build" / "bench-venv"
MEGABYTE = 1_000_000

LOREM = (
    "The version of the software on the remote host is older than the one that corrects this flaw. An unauthenticated, "
    "remote attacker can exploit it, by a request with a crafted header, to read memory of the service or to execute "
    "code with its rights; see the vendor's advisory for the versions & the conditions. "
)


def nessus(size: int) -> Iterator[str]:
    """A .nessus file of about so many bytes: the elements of a real one in their proportion, 200 findings a host."""
    yield '<?xml version="1.0" ?>\n<NessusClientData_v2>\n<Policy><policyName>Basic Network Scan</policyName>\n'
    yield "<Preferences><ServerPreferences>\n<preference><name>plugin_set</name><value>"
    yield ";".join(str(plugin) for plugin in range(10001, 110001))
    yield "</value></preference>\n<preference><name>port_range</name><value>1-65535</value></preference>\n"
    yield '</ServerPreferences></Preferences></Policy>\n<Report name="bench" xmlns:cm="http://www.nessus.org/cm">\n'
    items = [_nessus_item(number) for number in range(200)]
    done, host = 0, 0
    while done < size:
        address = f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"
        block = (
            f'<ReportHost name="{address}"><HostProperties>\n<tag name="HOST_END">Sun Nov 22 02:11:40 2026</tag>\n'
            f'<tag name="host-fqdn">srv{host}.chu-valmont.test</tag>\n<tag name="host-ip">{address}</tag>\n'
            '<tag name="operating-system">Linux Kernel 6.1 on Debian 12</tag>\n'
            '<tag name="HOST_START">Sun Nov 22 02:01:13 2026</tag>\n</HostProperties>\n'
            f"{''.join(items)}</ReportHost>\n"
        )
        done += len(block)
        host += 1
        yield block
    yield "</Report>\n</NessusClientData_v2>\n"


def _nessus_item(number: int) -> str:
    severity = number % 5
    port, service = ((0, "general"), (22, "ssh"), (80, "www"), (443, "www"), (5432, "postgresql"))[number % 5]
    cves = "".join(f"<cve>CVE-2025-{number * 7 + each:05}</cve>\n" for each in range(severity * 2))
    extra = (
        "<cvss3_base_score>7.5</cvss3_base_score>\n<cvss3_temporal_score>6.5</cvss3_temporal_score>\n"
        "<cvss3_temporal_vector>CVSS:3.0/E:U/RL:O/RC:C</cvss3_temporal_vector>\n"
        "<cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N</cvss3_vector>\n"
        "<cvss_base_score>5.0</cvss_base_score>\n<cvss_vector>CVSS2#AV:N/AC:L/Au:N/C:P/I:N/A:N</cvss_vector>\n"
        "<epss_score>0.0123</epss_score>\n<exploit_available>false</exploit_available>\n"
        "<exploitability_ease>No known exploits are available</exploitability_ease>\n<vpr_score>5.9</vpr_score>\n"
        "<patch_publication_date>2025/09/10</patch_publication_date>\n<xref>IAVA:2025-A-0001</xref>\n<xref>CWE:79</xref>\n"
    )
    return (
        f'<ReportItem port="{port}" svc_name="{service}" '
        f'protocol="tcp" severity="{severity}" pluginID="{10100 + number}" '
        f'pluginName="Software &lt; 2.{number} Multiple Vulnerabilities" pluginFamily="Misc.">\n'
        f"{cves}{extra if severity else ''}"
        f"<description>{escape(LOREM * (1 + number % 4))}\n\nNote that only the version was looked at.</description>\n"
        "<fname>software.nasl</fname>\n<plugin_modification_date>2026/01/19</plugin_modification_date>\n"
        f"<plugin_name>Software &lt; 2.{number} Multiple Vulnerabilities</plugin_name>\n"
        "<plugin_publication_date>2025/09/11</plugin_publication_date>\n<plugin_type>remote</plugin_type>\n"
        f"<risk_factor>{('None', 'Low', 'Medium', 'High', 'Critical')[severity]}</risk_factor>\n"
        "<script_version>1.16</script_version>\n<see_also>https://example.test/advisory\nhttps://example.test/notes</see_also>\n"
        "<solution>Upgrade to the version that the vendor gives.</solution>\n"
        "<synopsis>The remote host runs software that is affected by several flaws.</synopsis>\n"
        f"<plugin_output>\n  Path              : /opt/software\n  Installed version : 1.{number}\n"
        f"  Fixed version     : 2.{number}\n</plugin_output>\n</ReportItem>\n"
    )


def nmap(size: int) -> Iterator[str]:
    """nmap XML of about so many bytes: 20 open ports a host, with services and the output of scripts."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
    yield '<nmaprun scanner="nmap" args="nmap -sV -sC -p- -oX x 10.0.0.0/8" start="1795312800" version="7.93">\n'
    yield '<scaninfo type="syn" protocol="tcp" numservices="65535" services="1-65535"/>\n'
    ports = "".join(_nmap_port(port) for port in range(20, 40))
    done, host = 0, 0
    while done < size:
        block = (
            '<host starttime="1795312801" endtime="1795312955"><status state="up" reason="syn-ack" reason_ttl="63"/>\n'
            f'<address addr="10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}" addrtype="ipv4"/>\n'
            f'<hostnames>\n<hostname name="srv{host}.chu-valmont.test" type="PTR"/>\n</hostnames>\n'
            '<ports><extraports state="closed" count="65515">\n'
            '<extrareasons reason="reset" count="65515"/>\n</extraports>\n'
            f'{ports}</ports>\n<times srtt="412" rttvar="165" to="100000"/>\n</host>\n'
        )
        done += len(block)
        host += 1
        yield block
    yield '<runstats><finished time="1795316400" exit="success"/><hosts up="1" down="0" total="1"/></runstats>\n'
    yield "</nmaprun>\n"


def _nmap_port(port: int) -> str:
    title = quoteattr(f"Welcome to service {port} & its administration\nRequested resource was /login?next=%2F")
    return (
        f'<port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack" reason_ttl="63"/>'
        '<service name="http" product="nginx" version="1.22.1" ostype="Linux" method="probed" conf="10">'
        "<cpe>cpe:/a:igor_sysoev:nginx:1.22.1</cpe></service>"
        f'<script id="http-title" output={title}>\n<elem key="title">Welcome</elem>\n'
        '<elem key="redirect_url">/login</elem>\n'
        '</script><script id="http-server-header" output="nginx/1.22.1"><elem>nginx/1.22.1</elem>\n</script></port>\n'
    )


def nuclei(lines: int) -> Iterator[str]:
    """So many lines of ``nuclei -jsonl``, 20 a host."""
    for number in range(lines):
        which = number // 20
        host = f"10.{which >> 16 & 255}.{which >> 8 & 255}.{which & 255}"
        yield (
            json.dumps(
                {
                    "template": f"http/cves/2025/CVE-2025-{number % 9000:04}.yaml",
                    "template-url": f"https://templates.example.test/public/CVE-2025-{number % 9000:04}",
                    "template-id": f"CVE-2025-{number % 9000:04}",
                    "template-path": f"/root/nuclei-templates/http/cves/2025/CVE-2025-{number % 9000:04}.yaml",
                    "info": {
                        "name": f"Software {number % 9000} - Path Traversal",
                        "author": ["someone"],
                        "tags": ["cve", "cve2025", "lfi", "software"],
                        "description": LOREM,
                        "impact": "Reading of any file of the server.",
                        "reference": ["https://example.test/advisory", "https://example.test/CVE"],
                        "severity": ("info", "low", "medium", "high", "critical")[number % 5],
                        "metadata": {"max-request": 1, "verified": True},
                        "classification": {
                            "cve-id": [f"cve-2025-{number % 9000:04}"],
                            "cwe-id": ["cwe-22"],
                            "cvss-metrics": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
                            "cvss-score": 7.5,
                            "epss-score": 0.0123,
                            "cpe": "cpe:2.3:a:software:software:*:*:*:*:*:*:*:*",
                        },
                        "remediation": "Upgrade to the version that the vendor gives.",
                    },
                    "type": "http",
                    "host": host,
                    "port": "443",
                    "scheme": "https",
                    "url": f"https://{host}",
                    "path": "/static/",
                    "matched-at": f"https://{host}:443/static/..%2f..%2fetc/hostname",
                    "extracted-results": ["srv"],
                    "ip": host,
                    "timestamp": "2026-11-22T02:00:00.123456789Z",
                    "matcher-status": True,
                }
            )
            + "\n"
        )


# --- one reading, in a process of its own


def ours(path: Path) -> int:
    """The program's reader: every record."""
    from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report

    return sum(1 for _ in open_report(path).records())


def expat_floor(path: Path) -> int:
    """expat with the three callbacks that any reader needs; they count and do nothing."""
    from xml.parsers import expat

    counts = [0, 0, 0]

    def start(name: str, attributes: dict[str, str]) -> None:
        counts[0] += 1

    def end(name: str) -> None:
        counts[1] += 1

    def text(data: str) -> None:
        counts[2] += 1

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    with path.open("rb", buffering=0) as stream:
        parser.ParseFile(stream)
    return counts[0]


def json_floor(path: Path) -> int:
    """json.loads of each line."""
    count = 0
    with path.open("rb") as stream:
        for line in stream:
            json.loads(line)
            count += 1
    return count


def whole_tree(path: Path) -> int:
    """ElementTree, the whole document in memory."""
    from xml.etree import ElementTree

    return sum(1 for _ in ElementTree.parse(path).iter())


def libnmap(path: Path) -> int:
    """python-libnmap: its report object, and its hosts' ports."""
    from libnmap.parser import NmapParser  # type: ignore[import-not-found]

    return sum(len(host.services) for host in NmapParser.parse_fromfile(str(path)).hosts)


READINGS: dict[str, Callable[[Path], int]] = {
    "ours": ours,
    "expat": expat_floor,
    "json": json_floor,
    "tree": whole_tree,
    "libnmap": libnmap,
}
MODULES = {
    "ours": ["ansible_collections.care.remediation.plugins.module_utils.findings.readers.report"],
    "expat": ["xml.parsers.expat"],
    "tree": ["xml.etree.ElementTree"],
    "libnmap": ["libnmap.parser"],
}
NAMES = {
    "ours": "care.remediation's reader",
    "expat": "bare expat callbacks (floor)",
    "json": "bare json.loads (floor)",
    "tree": "whole-tree ElementTree",
    "libnmap": "python-libnmap",
}


def worker(name: str, path: Path) -> None:
    """Read once and print what it cost. VmHWM is this process's own peak."""
    for module in MODULES.get(name, ()):  # what starting costs is no matter of throughput
        importlib.import_module(module)
    wall, cpu = perf_counter(), process_time()
    count = READINGS[name](path)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps({"count": count, "wall": wall, "cpu": cpu, "peak": int(peak[1]) / 1024 if peak else 0}))


def reading(name: str, path: Path) -> dict[str, float] | None:
    """One reading in a new process; None where it fails, having said why."""
    python = PEERS / "bin" / "python" if name == "libnmap" else Path(sys.executable)
    command = [python, __file__, "--worker", name, path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {NAMES[name]}: failed: {done.stderr.strip().splitlines()[-1:]}")
        return None
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def compare(path: Path, names: list[str], rounds: int) -> None:
    """Read a file in several ways, in turn, and print the best of each as ratios to the first."""
    size = path.stat().st_size / MEGABYTE
    best: dict[str, dict[str, float]] = {}
    failed: set[str] = set()
    for _ in range(rounds):
        for name in names:
            measured = None if name in failed else reading(name, path)
            if measured is None:
                failed.add(name)
            elif name not in best or measured["cpu"] < best[name]["cpu"]:
                best[name] = measured
    print(f"\n{path.name}: {size:.0f} MB")
    print(f"  {'':32}{'MB/s':>8}{'CPU':>9}{'peak MiB':>10}{'count':>12}")
    floor = best.get(names[0])
    for name, measured in best.items():
        ratio = f"{measured['cpu'] / floor['cpu']:.2f} x" if floor else ""
        speed = size / measured["cpu"]
        print(f"  {NAMES[name]:32}{speed:8.1f}{ratio:>9}{measured['peak']:10.0f}{measured['count']:12.0f}", flush=True)


def file(name: str, pieces: Callable[[], Iterator[str]]) -> Path:
    """A generated file, made once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    if not path.exists():
        print(f"writing {path.relative_to(ROOT)}…", flush=True)
        temporary = path.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(pieces())
        temporary.rename(path)
    return path


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["nessus", "nmap", "nuclei"])
    parser.add_argument("--scale", type=float, default=1.0, help="of the files' sizes")
    parser.add_argument("--peers", action="store_true", help="install python-libnmap aside, and measure it")
    parser.add_argument("--worker", nargs=2, metavar=("READING", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker[0], Path(args.worker[1]))
        return
    if args.peers and not list(PEERS.glob("lib/python*/site-packages/libnmap")):
        print("installing python-libnmap into build/bench-venv…", flush=True)
        if not (PEERS / "bin" / "pip").exists():
            venv.create(PEERS, with_pip=True)
        subprocess.run([PEERS / "bin" / "pip", "install", "-q", "python-libnmap"], check=True)
    scaled = {name: int(size * args.scale) for name, size in (("small", 200), ("large", 1000), ("lines", 1_000_000))}
    small, large = scaled["small"] * MEGABYTE, scaled["large"] * MEGABYTE
    if args.only in (None, "nessus"):
        path = file(f"bench-{scaled['small']}.nessus", lambda: nessus(small))
        compare(path, ["expat", "ours", "tree"], args.rounds)
        path = file(f"bench-{scaled['large']}.nessus", lambda: nessus(large))
        compare(path, ["expat", "ours"], args.rounds)
    if args.only in (None, "nmap"):
        path = file(f"bench-{scaled['small']}-nmap.xml", lambda: nmap(small))
        compare(path, ["expat", "ours", "tree", *(["libnmap"] if args.peers else [])], args.rounds)
    if args.only in (None, "nuclei"):
        path = file(f"bench-{scaled['lines']}-nuclei.jsonl", lambda: nuclei(scaled["lines"]))
        compare(path, ["json", "ours"], args.rounds)


if __name__ == "__main__":
    main()
