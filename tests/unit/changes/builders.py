"""Changes for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model


def flags(
    host: str = "chu-valmont.test", object_id: str = "2c1b7c1e", controls: list[str] | None = None, **fields: Any
) -> model.Change:
    """DONT_REQ_PREAUTH goes from an account with an accent and an apostrophe."""
    given: dict[str, Any] = {
        "target": "directory",
        "kind": "flags",
        "object_type": "user",
        "object_id": object_id,
        "label": f"CN=Élodie d'Été {object_id},OU=Réanimation,DC=chu-valmont,DC=test",
        "attribute": "userAccountControl",
        "mask": 4194304,
        "before": 4194304,
        "after": 0,
        "display_before": "DONT_REQ_PREAUTH",
    }
    return model.completed(model.new_change(**{**given, **fields}), host, controls or ["vuln_test"])


def values(
    removed: tuple[str, ...] = ("CN=a",),
    added: tuple[str, ...] = (),
    members: int = 3,
    host: str = "chu-valmont.test",
    **context: object,
) -> model.Change:
    """Members go from (or come to) a privileged group."""
    change = model.new_change(
        target="directory",
        kind="values",
        object_type="group",
        object_id="g-512",
        label="Admins du domaine",
        attribute="member",
        before=sorted(removed),
        after=sorted(added),
        context={"group_sid": "S-1-5-21-1-2-3-512", "members_before": members, "privileged": True, **context},
    )
    return model.completed(change, host, ["vuln_privileged_members"])


def file(path: str = "/etc/x", before: str | None = "a", after: str | None = "b", host: str = "web1") -> model.Change:
    """A configuration file changes."""
    states = [
        {"exists": content is not None, **({} if content is None else {"content": content, "mode": "0644"})}
        for content in (before, after)
    ]
    change = model.new_change(
        target="host", kind="file", object_type="file", object_id=path, label=path, before=states[0], after=states[1]
    )
    return model.completed(change, host, ["expo_ssh_password"])
