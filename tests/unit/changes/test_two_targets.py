# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A planner's changes of two targets: each to its writer, in order; after a failed step the later ones are left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import approval, documents, model
from ansible_collections.care.remediation.plugins.plugin_utils.change_action import ChangeAction
from ansible_collections.care.remediation.plugins.plugin_utils.change_set_page import detail
from ansible_collections.care.remediation.plugins.plugin_utils.connection_options import option_names

HOST = "chu-valmont.test"


def step(target: str, name: str, sequence: str = "{A}") -> model.Change:
    kind, before, after = {
        "directory": ("replace", [], [name]),
        "sysvol": ("file", {"exists": False, "sha256": None}, {"exists": True, "sha256": name}),
    }[target]
    return model.new_change(
        target=target, kind=kind, object_type="policy", object_id=f"{sequence}-{target}", label="Stratégie",
        attribute=name, before=before, after=after, context={"sequence": sequence},
    )  # fmt: skip


class Action(ChangeAction):
    """The action without Ansible: the planner's answer is given, writers' answers are made up."""

    WRITER = "directory_change"

    def __init__(self, care_dir: Path, planned: list[model.Change], failing: set[str]) -> None:
        self._task = SimpleNamespace(
            args={"server": "dc1", "password": "geheim", "policies": []}, action="ad_gpo", resolved_action=None,
            check_mode=False,
        )  # fmt: skip
        self._connection = SimpleNamespace(become=None, transport="local")
        self.planned, self.failing, self.calls = planned, failing, []  # type: ignore[var-annotated]
        self.dir = care_dir

    def care_dir(self, task_vars: Any) -> Path:
        return self.dir

    def variable(self, task_vars: Any, name: str, default: Any = None) -> Any:
        return {"care_language": "en"}.get(name, default)

    def _execute_module(self, module_name: str, module_args: dict[str, Any], task_vars: Any, **_more: Any) -> Any:
        if "changes" not in module_args:
            return {"changes": [dict(change) for change in self.planned]}
        self.calls.append((module_name.rpartition(".")[2], [c["attribute"] for c in module_args["changes"]]))
        assert "policies" not in module_args and module_args["server"] == "dc1"
        return {
            "results": [
                {"id": c["id"], "status": "failed" if c["attribute"] in self.failing else "applied", "message": ""}
                for c in module_args["changes"]
            ]
        }

    def result(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_a, **_k: {})
        return self.run(None, {"inventory_hostname": HOST})


ORDER = [
    step("directory", "object"), step("sysvol", "registry"), step("sysvol", "ini"), step("directory", "version"),
    step("directory", "other", "{B}"), step("sysvol", "b", "{B}"),
]  # fmt: skip


def test_each_to_its_writer_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(tmp_path / "care", ORDER, set())
    result = action.result(monkeypatch)
    assert action.calls == [
        ("directory_change", ["object"]),
        ("sysvol_change", ["registry", "ini"]),
        ("directory_change", ["version", "other"]),
        ("sysvol_change", ["b"]),
    ]
    assert not result.get("failed") and len(result["changes"]) == 6


def test_after_a_failed_step_the_rest_of_its_policy_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(tmp_path / "care", ORDER, {"registry"})
    result = action.result(monkeypatch)
    assert action.calls[2:] == [("directory_change", ["other"]), ("sysvol_change", ["b"])]
    assert result["failed"] and "an earlier step of the same policy" in result["msg"]
    journal = next((tmp_path / "care").glob("runs/*/journal.jsonl")).read_text()
    assert "not tried: an earlier step" in journal
    assert "geheim" not in journal


def test_the_writer_of_sysvol_gets_the_connection() -> None:
    assert {"server", "password", "auth_protocol"} <= option_names("sysvol_change")


def test_the_page_shows_what_a_policy_says_not_its_bytes() -> None:
    before, after = (
        {"exists": True, "sha256": "0" * 64, "content": "UFJlZw==", "shown": [f"Version={n}"]} for n in (1, 2)
    )
    change = {**step("sysvol", "GPT.INI"), "before": before, "after": after}
    assert detail(change) == [("-", "Version=1"), ("+", "Version=2")]
    folder = {**change, "kind": "folder", "before": {"exists": False}, "after": {"exists": True}}
    assert detail(folder) == [("-", "exists: false"), ("+", "exists: true")]


def test_changes_of_sysvol_are_valid() -> None:
    changes = [model.completed(change, HOST) for change in ORDER]
    document = {
        "schema": "care.remediation/change-set/1", "created": documents.now(), "mode": "check",
        "limits": {"max_changes": 1}, "changes": changes, "digest": model.changes_digest(changes),
        "counts": {"changes": 6, "objects": 2, "irreversible": 0, "by_control": {}, "by_host": {}},
    }  # fmt: skip
    documents.validate(document, "change-set-1", "test")
    changes[0]["kind"] = "file"
    with pytest.raises(documents.DocumentError):
        documents.validate(document, "change-set-1", "test")


def test_after_a_refused_step_the_rest_of_its_policy_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(tmp_path / "care", ORDER, set())

    def approved(_store: Any, changes: list[model.Change], _task_vars: Any) -> tuple[list[Any], list[Any]]:
        return [c for c in changes if c["attribute"] != "registry"], [
            approval.Refusal("not_approved", change) for change in changes if change["attribute"] == "registry"
        ]

    monkeypatch.setattr(action, "_approved", approved)
    result = action.result(monkeypatch)
    assert action.calls == [("directory_change", ["other"]), ("sysvol_change", ["b"])]
    assert result["failed"] and [each["change"]["attribute"] for each in result["refused"]] == ["registry"]
