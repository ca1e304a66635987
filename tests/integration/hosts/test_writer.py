"""The writer on a real Debian server: transactions, secrets, guards, kills."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import Host

SSHD = {
    "do": "files",
    "profile": "sshd",
    "files": [
        {"path": "/etc/ssh/sshd_config.d/10-care.conf", "content": "MaxAuthTries 4\n", "mode": "0600"},
        {
            "path": "/etc/ssh/sshd_config",
            "edits": [{"match": r"#?\s*PermitRootLogin\s", "line": "PermitRootLogin prohibit-password"}],
        },
    ],
}
CLOSE = {"do": "table", "close": [{"port": 23}, {"port": 6379}], "sources": ["192.0.2.0/24"]}


def statuses(answer: dict[str, Any]) -> set[str]:
    return {result["status"] for result in answer["results"]}


def wait_until_reverted(host: Host, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while "reverted" not in host.sh("ls /var/lib/care-remediation/*/"):
        assert time.monotonic() < deadline, host.sh(
            "ls -l /var/lib/care-remediation/*; systemctl list-timers --no-pager"
        )
        time.sleep(0.5)


@pytest.fixture(autouse=True)
def unchanged_at_the_end(host: Host) -> Any:
    before = host.snapshot()
    yield
    assert host.snapshot() == before
    host.sh("rm -rf /var/lib/care-remediation/*")
    assert "care-revert" not in host.sh(
        "systemctl list-units --all --no-pager 'care-revert*.timer'; ls -R /etc/systemd/system"
    )


@pytest.mark.parametrize("job", [SSHD, CLOSE], ids=["sshd", "ruleset"])
def test_apply_twice_and_undo_twice(host: Host, job: dict[str, Any]) -> None:
    changes = host.plan(**job)
    assert statuses(host.confirmed(do="apply", changes=changes)) == {"applied"}
    assert host.plan(**job) == []
    assert statuses(host.ask(do="apply", changes=changes)) == {"already"}
    assert statuses(host.confirmed(do="undo", changes=changes)) == {"undone"}
    assert statuses(host.ask(do="undo", changes=changes)) == {"nothing_to_undo"}


def test_what_another_has_changed_is_left(host: Host) -> None:
    changes = host.plan(**SSHD)
    host.confirmed(do="apply", changes=changes)
    host.sh("cp -p /etc/ssh/sshd_config /root/s; echo '# by hand' >> /etc/ssh/sshd_config")
    # One configuration: nothing of it is undone when a part of it cannot be.
    assert statuses(host.ask(do="undo", changes=changes)) == {"conflict"}
    host.sh("mv /root/s /etc/ssh/sshd_config")
    assert statuses(host.confirmed(do="undo", changes=changes)) == {"undone"}


def test_the_checker_refuses_and_everything_is_put_back(host: Host) -> None:
    bad = {
        **SSHD,
        "files": [SSHD["files"][0], {"path": "/etc/ssh/sshd_config.d/11-care.conf", "content": "Nonsense 1\n"}],
    }
    answer = host.ask(do="apply", changes=host.plan(**bad))
    assert statuses(answer) == {"failed"}
    assert "Nonsense" in answer["results"][0]["message"]
    assert "guard" not in answer


def test_a_service_that_does_not_come_back_is_put_back(host: Host) -> None:
    # Good grammar, and no such address on this host: redis takes the file and cannot start.
    job = {
        "do": "files",
        "profile": "redis",
        "files": [{"path": "/etc/redis/redis.conf", "edits": [{"match": r"bind\s", "line": "bind 203.0.113.9"}]}],
    }
    answer = host.ask(do="apply", changes=host.plan(**job))
    assert statuses(answer) == {"failed"}
    assert "redis" in answer["results"][0]["message"]
    assert host.sh("redis-cli ping").strip() == "PONG"


def test_redis_own_reader_refuses(host: Host) -> None:
    job = {
        "do": "files",
        "profile": "redis",
        "files": [{"path": "/etc/redis/redis.conf", "edits": [{"match": "maxclients", "line": "maxclients many"}]}],
    }
    answer = host.ask(do="apply", changes=host.plan(**job))
    assert statuses(answer) == {"failed"}
    assert "maxclients" in answer["results"][0]["message"]


def kept(host: Host) -> list[str]:
    """The changes whose before-copy is on the host."""
    return host.sh("ls /var/lib/care-remediation/backup").split()


def test_secrets_stay_on_the_host(host: Host) -> None:
    job = {
        "profile": "redis",
        "files": [{"path": "/etc/redis/redis.conf", "edits": [{"match": "#? ?requirepass ", "line_from": "r"}]}],
        "secrets": {"r": "requirepass Tr3s-secret"},
    }
    answer = host.ask(do="files", **job)
    assert "Tr3s" not in str(answer)
    changes = answer["changes"]
    wrong = {**job, "secrets": {"r": "requirepass other"}}
    assert statuses(host.ask(do="apply", changes=changes, **wrong)) == {"failed"}
    assert statuses(host.ask(do="apply", changes=changes)) == {"failed"}
    applied = host.ask(do="apply", changes=changes, **job)
    assert statuses(applied) == {"applied"}
    assert "Tr3s" not in str(applied)
    assert "NOAUTH" in host.sh("redis-cli ping 2>&1")
    assert host.sh("find /var/lib/care-remediation/backup ! -user root -o -perm /077 ! -type l").strip() == ""
    assert kept(host) == [changes[0]["id"]]  # what undo will need
    host.sh("cp -p /etc/redis/redis.conf /root/; echo '# mine' >>/etc/redis/redis.conf")
    assert statuses(host.ask(do="undo", changes=changes)) == {"conflict"}
    host.sh("cp -p /root/redis.conf /etc/redis/")
    assert kept(host) == [changes[0]["id"]]  # not undone
    assert statuses(host.ask(do="undo", changes=changes)) == {"undone"}
    assert host.sh("redis-cli ping").strip() == "PONG"
    assert kept(host) == []


def test_a_secret_is_kept_until_its_guarded_undo_is_confirmed(host: Host) -> None:
    host.sh("echo 'Banner /etc/issue' >/etc/ssh/sshd_config.d/secret.conf")
    edit = {"path": "/etc/ssh/sshd_config.d/secret.conf", "edits": [{"match": "Banner ", "line_from": "s"}]}
    job = {"profile": "sshd", "files": [edit], "secrets": {"s": "Banner /etc/issue.net"}}
    changes = host.ask(do="files", **job)["changes"]
    assert statuses(host.confirmed(do="apply", changes=changes, **job)) == {"applied"}
    undone = host.ask(do="undo", changes=changes, seconds=10)
    assert statuses(undone) == {"undone"} and kept(host) == [changes[0]["id"]]
    wait_until_reverted(host, 20)  # nothing confirmed the undo: the change is in place again, and can be undone
    assert "issue.net" in host.sh("cat /etc/ssh/sshd_config.d/secret.conf")
    assert kept(host) == [changes[0]["id"]]
    assert statuses(host.confirmed(do="undo", changes=changes)) == {"undone"}
    assert host.sh("cat /etc/ssh/sshd_config.d/secret.conf") == "Banner /etc/issue\n"
    # Neither the copy nor the folder of the guard that fired is left.
    assert kept(host) == [] and host.sh("ls /var/lib/care-remediation").split() == ["backup", "pending"]
    host.sh("rm /etc/ssh/sshd_config.d/secret.conf")


def test_units(host: Host) -> None:
    units = [
        {"name": "vsftpd", "enabled": "disabled", "active": False},
        {"name": "redis-server", "enabled": "masked", "active": False},
        {"name": "no-such-unit", "active": False},
    ]
    assert "no-such-unit" in host.ask(do="units", units=units)["error"]
    changes = host.plan(do="units", units=units, missing="ignore")
    assert statuses(host.ask(do="apply", changes=changes)) == {"applied"}
    assert host.sh("systemctl is-enabled vsftpd redis-server; true").split() == ["disabled", "masked"]
    assert host.plan(do="units", units=units, missing="ignore") == []
    assert statuses(host.ask(do="undo", changes=changes)) == {"undone"}


def test_postgresql_restarts_when_it_must(host: Host) -> None:
    path = host.sh("ls /etc/postgresql/*/main/postgresql.conf").strip()
    job = {
        "do": "files",
        "profile": "postgresql",
        "files": [
            {"path": path, "edits": [{"match": r"#?listen_addresses\s*=", "line": "listen_addresses = 'localhost'"}]}
        ],
    }
    changes = host.plan(**job)
    assert statuses(host.ask(do="apply", changes=changes)) == {"applied"}
    assert "0.0.0.0:5432" not in host.sh("ss -ltn")
    hba = path.replace("postgresql.conf", "pg_hba.conf")
    bad = {**job, "files": [{"path": hba, "edits": [{"match": "zzz", "line": "host all all nonsense"}]}]}
    answer = host.ask(do="apply", changes=host.plan(**bad))
    assert statuses(answer) == {"failed"}
    assert "pg_hba" in answer["results"][0]["message"]
    assert statuses(host.ask(do="undo", changes=changes)) == {"undone"}
    assert "0.0.0.0:5432" in host.sh("ss -ltn")


def test_nothing_confirmed_is_taken_back(host: Host) -> None:
    answer = host.ask(do="apply", changes=host.plan(**CLOSE), seconds=10)
    assert statuses(answer) == {"applied"}
    assert "care_exposure" in host.sh("nft list tables")
    refused = host.ask(do="apply", changes=host.plan(**SSHD))
    assert "not confirmed yet" in refused["error"]
    wait_until_reverted(host, 20)
    assert "care_exposure" not in host.sh("nft list tables")
    assert "taken the change back" in host.ask(do="confirm", token=answer["guard"]["token"])["error"]


def test_an_undo_takes_an_unconfirmed_change_back_at_once(host: Host) -> None:
    changes = host.plan(**SSHD)
    assert statuses(host.ask(do="apply", changes=changes, seconds=600)) == {"applied"}
    assert statuses(host.ask(do="undo", changes=changes)) == {"nothing_to_undo"}


def test_a_reboot_takes_an_unconfirmed_change_back(host: Host) -> None:
    changes = host.plan(**CLOSE)
    assert len(changes) == 4
    assert statuses(host.ask(do="apply", changes=changes, seconds=600)) == {"applied"}
    host.sh("touch /run/still-the-same-boot")
    host.restart()
    host.sh("test ! -e /run/still-the-same-boot")
    assert "care_exposure" not in host.sh("nft list tables")


def test_a_confirmed_ruleset_is_there_after_a_reboot(host: Host) -> None:
    changes = host.plan(**CLOSE)
    host.confirmed(do="apply", changes=changes)
    before = host.sh("nft -s list table inet care_exposure")
    host.restart()
    assert host.sh("nft -s list table inet care_exposure") == before
    assert host.plan(**CLOSE) == []
    assert statuses(host.confirmed(do="undo", changes=changes)) == {"undone"}
    # nftables.service has loaded the rest of nftables.conf at that boot; it had not before.
    host.sh("nft flush ruleset")


def test_without_a_timer_nothing_is_written(host: Host) -> None:
    changes = host.plan(**CLOSE)
    host.sh("mv /usr/bin/systemd-run /usr/bin/systemd-run.away")
    try:
        assert "nothing was written" in host.ask(do="apply", changes=changes)["error"]
    finally:
        host.sh("mv /usr/bin/systemd-run.away /usr/bin/systemd-run")


def test_nft_refuses_and_nothing_changes(host: Host) -> None:
    assert "nft refuses" in host.ask(do="table", text="table inet care_exposure { chain a { nonsense } }")["error"]
    changes = host.plan(**CLOSE)
    changes[-1]["after"] = "table inet care_exposure { chain a { nonsense } }"
    answer = host.ask(do="apply", changes=changes)
    assert statuses(answer) == {"failed"}
    assert "nonsense" in answer["results"][0]["message"]


def test_one_writer_at_a_time(host: Host) -> None:
    changes = host.plan(**SSHD)
    host.sh("flock /run/care-remediation.lock sleep 3 >/dev/null 2>&1 &")
    time.sleep(0.5)
    assert "at work on this host" in host.ask(do="apply", changes=changes, lock_seconds=0.5)["error"]
    assert statuses(host.ask(do="undo", changes=changes)) == {"nothing_to_undo"}


@pytest.mark.parametrize(("job", "step"), [(SSHD, 2), (CLOSE, 3)], ids=["sshd", "ruleset"])
def test_killed_anywhere_an_undo_restores(host: Host, job: dict[str, Any], step: int) -> None:
    before = host.snapshot()
    changes = host.plan(**job)
    whole = {
        state["sha256"]
        for change in changes
        if change["kind"] == "file"
        for state in (change["before"], change["after"])
    }
    paths = [change["object"]["id"] for change in changes if change["kind"] == "file"]
    killed = 0
    for point in range(1, 200, step):
        answer = host.ask(do="apply", changes=changes, seconds=600, die_at=point)
        sums = host.sh(f"sha256sum {' '.join(paths)} 2>/dev/null | cut -c1-64 || true").split()
        assert set(sums) <= whole, f"torn at {point}"
        undone = host.confirmed(do="undo", changes=changes)
        assert statuses(undone) <= {"undone", "nothing_to_undo"}, (point, undone)
        assert host.snapshot() == before, point
        if "killed" not in answer:
            break
        killed = point
    else:
        pytest.fail("it never came to its end")
    assert killed > 20


@pytest.mark.parametrize("point", [1, 12, 20, 28, 36, 44])
def test_killed_while_undoing(host: Host, point: int) -> None:
    changes = host.plan(**SSHD)
    host.confirmed(do="apply", changes=changes)
    host.ask(do="undo", changes=changes, seconds=600, die_at=point)
    # The guard of the undo is taken back first, then it is undone whole.
    assert statuses(host.confirmed(do="undo", changes=changes)) <= {"undone", "nothing_to_undo"}
