# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole objects that come and go, against a directory in memory: as asked, only once, and never someone else's."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import limits, model
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_model, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Result

FOLDER = "CN=Password Settings Container,CN=System,DC=chu,DC=test"
DN = f"CN=Comptes privilégiés,{FOLDER}"
SCHEMA = Path(writer.__file__).parents[3] / "schemas" / "change-set-1.json"


class Directory:
    """Objects by lower-case DN, with what a server adds by itself. ``meddle`` runs between read and write."""

    domain_sid = "S-1-5-21-111-222-444"
    encrypted = True

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, list[bytes]]] = {}
        self.meddle: Callable[[], None] = lambda: None
        self.refuses: int | None = None
        self.answers = True
        self.wrote: list[str] = []

    def find(self, dn: str) -> str | None:
        if dn.startswith("<GUID="):
            wanted = uuid.UUID(dn[6:-1]).bytes_le
            return next((key for key, each in self.objects.items() if each["objectGUID"] == [wanted]), None)
        return dn.lower() if dn.lower() in self.objects else None

    def read_many(self, dns: Any, attributes: Sequence[str], sd_flags: Any = None) -> Iterator[Any]:
        assert "*" in attributes
        for dn in dns:
            key = self.find(dn)
            if self.wrote and not self.answers:
                yield dn, DirectoryError("connection lost")
            else:
                yield dn, None if key is None else Entry(dn, CaseInsensitiveDict(copy.deepcopy(self.objects[key])))

    def _answer(self, dn: str, code: int) -> Result:
        if not self.answers:
            return Result(dn, None, DirectoryError("connection lost"))
        return Result(dn, code, DirectoryError(f"code {code}") if code else None)

    def add(self, dn: str, attributes: Sequence[tuple[str, list[bytes]]]) -> Result:
        self.meddle()
        self.wrote.append(dn)
        if self.refuses is not None:
            return self._answer(dn, self.refuses)
        if dn.lower() in self.objects:
            return self._answer(dn, 68)
        self.objects[dn.lower()] = {
            **dict(attributes),
            "objectClass": [b"top", *dict(attributes)["objectClass"]],
            "objectGUID": [uuid.uuid4().bytes],
            "whenCreated": [b"20261122050000.0Z"],
            "distinguishedName": [dn.encode()],
        }
        return self._answer(dn, 0)

    def delete(self, dn: str) -> Result:
        self.meddle()
        self.wrote.append(dn)
        if self.refuses is not None:
            return self._answer(dn, self.refuses)
        key = self.find(dn)
        if key is None:
            return self._answer(dn, 32)
        del self.objects[key]
        return self._answer(dn, 0)


def creation(length: str = "16", dn: str = DN) -> model.Change:
    return model.completed(
        plan_model.creation(
            dn,
            {
                "objectClass": ["msDS-PasswordSettings"],
                "msDS-MinimumPasswordLength": [length],
                "msDS-PSOAppliesTo": ["CN=Admins du domaine,CN=Users,DC=chu,DC=test"],
            },
            label="Comptes privilégiés",
        ),
        "chu.test",
    )


def run(directory: Directory, operation: str, changes: list[model.Change], check: bool = False) -> list[dict[str, Any]]:
    return writer.write(directory, operation, changes, check)["results"]  # type: ignore[arg-type,no-any-return]


def status(directory: Directory, operation: str, *changes: model.Change, check: bool = False) -> str:
    (result,) = {each["status"] for each in run(directory, operation, list(changes), check)}
    return str(result)


def test_created_once_and_undone_once() -> None:
    directory = Directory()
    change = creation()
    assert status(directory, "undo", change) == "nothing_to_undo"
    assert status(directory, "apply", change, check=True) == "applied"
    assert directory.wrote == []
    assert status(directory, "apply", change) == "applied"
    assert directory.objects[DN.lower()]["msDS-MinimumPasswordLength"] == [b"16"]
    assert status(directory, "apply", change) == "already"
    assert len(directory.wrote) == 1
    assert status(directory, "undo", change, check=True) == "undone"
    assert DN.lower() in directory.objects
    assert status(directory, "undo", change) == "undone"
    assert directory.objects == {}
    assert status(directory, "undo", change) == "nothing_to_undo"


def test_spelling_of_a_dn_is_no_difference() -> None:
    directory = Directory()
    change = creation()
    assert status(directory, "apply", change) == "applied"
    directory.objects[DN.lower()]["msDS-PSOAppliesTo"] = [b"cn=ADMINS DU DOMAINE,cn=users,dc=CHU,dc=test"]
    assert status(directory, "apply", change) == "already"
    assert status(directory, "undo", change) == "undone"


def test_an_object_of_that_name_is_never_overwritten() -> None:
    directory = Directory()
    assert status(directory, "apply", creation("8")) == "applied"
    (result,) = run(directory, "apply", [creation("16")])
    assert result["status"] == "conflict"
    assert "msDS-MinimumPasswordLength" in result["message"]
    assert directory.objects[DN.lower()]["msDS-MinimumPasswordLength"] == [b"8"]


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("msDS-MinimumPasswordLength", [b"20"]),  # changed
        ("description", [b"gard\xc3\xa9e pour la recette"]),  # added
        ("msDS-PSOAppliesTo", [b"CN=Autre,DC=chu,DC=test"]),  # used for others
        ("memberOf", [b"CN=Autre,DC=chu,DC=test"]),  # referred to
    ],
)
def test_what_someone_touched_since_is_not_deleted(attribute: str, values: list[bytes]) -> None:
    directory = Directory()
    change = creation()
    assert status(directory, "apply", change) == "applied"
    directory.objects[DN.lower()][attribute] = values
    (result,) = run(directory, "undo", [change])
    assert result["status"] == "conflict"
    assert attribute.lower() in result["message"].lower()
    assert DN.lower() in directory.objects


def test_someone_creates_it_between_read_and_write() -> None:
    directory = Directory()

    def meddle() -> None:
        directory.meddle = lambda: None
        directory.add(DN, [("objectClass", [b"msDS-PasswordSettings"]), ("msDS-MinimumPasswordLength", [b"4"])])

    directory.meddle = meddle
    assert status(directory, "apply", creation()) == "conflict"
    assert directory.objects[DN.lower()]["msDS-MinimumPasswordLength"] == [b"4"]


def test_refused_lost_and_not_empty() -> None:
    directory = Directory()
    directory.refuses = 50
    assert status(directory, "apply", creation()) == "failed"
    directory.refuses, directory.answers, directory.wrote = None, False, []
    assert status(directory, "apply", creation()) == "unverified"
    directory.answers, directory.wrote = True, []
    assert status(directory, "apply", creation()) == "already"
    directory.refuses = 66
    (result,) = run(directory, "undo", [creation()])
    assert (result["status"], "below it" in result["message"]) == ("conflict", True)


def test_deletion_is_irreversible_and_of_what_was_seen() -> None:
    directory = Directory()
    assert status(directory, "apply", creation()) == "applied"
    entry = Entry(DN, CaseInsensitiveDict(directory.objects[DN.lower()]))
    change = model.completed(plan_model.deletion(entry, ["objectClass", "msDS-MinimumPasswordLength"]), "chu.test")
    assert (change["reversible"], change["irreversible_reason"]) == (False, "object_deleted")
    assert change["object"]["id"] == entry.guid()
    directory.objects[DN.lower()]["msDS-MinimumPasswordLength"] = [b"17"]
    assert status(directory, "apply", change) == "conflict"
    directory.objects[DN.lower()]["msDS-MinimumPasswordLength"] = [b"16"]
    directory.objects["cn=renamed"] = directory.objects.pop(DN.lower())
    assert status(directory, "apply", change) == "applied"
    assert directory.objects == {}
    assert status(directory, "apply", change) == "already"
    assert status(directory, "undo", change) == "irreversible"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"before": None, "after": None}, "must be null"),
        ({"after": {"attributes": {"cn": ["x"]}}}, "objectClass"),
        ({"after": {"attributes": {"objectClass": ["user"], "unicodePwd": ["x"]}}}, "password"),
        ({"after": {"attributes": {}}}, "no attributes"),
        ({"after": "x"}, "must be {attributes"),
        ({"before": {"attributes": {"cn": ["x"]}}, "after": None}, "irreversible"),
    ],
)
def test_what_makes_no_sense_is_failed_and_not_sent(wrong: dict[str, Any], says: str) -> None:
    directory = Directory()
    (result,) = run(directory, "apply", [{**creation(), **wrong}])
    assert (result["status"], directory.wrote) == ("failed", [])
    assert says in result["message"]


def test_objects_come_one_after_the_other_and_before_what_refers_to_them() -> None:
    link = model.completed(
        model.new_change(
            target="directory", kind="values", object_type="user", object_id="2c1b7c1e-0000-1111-2222-000000000001",
            label="u", attribute="msDS-PSOApplied", before=[], after=[DN],
        ),
        "chu.test",
    )  # fmt: skip
    batches = writer.batches([creation(), creation(dn="CN=x"), link], undo=False)
    order = [[each.kind for each in batch] for batch in batches]
    assert order == [["object"], ["object"], ["values"]]


def test_two_wishes_for_one_name_contradict_each_other() -> None:
    assert [each.kind for each in limits.blockers([creation("8"), creation("16")], 10)] == ["contradiction"]
    assert limits.blockers([creation("8"), creation("8")], 10) == []


def test_schema() -> None:
    document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema = {"$defs": document["$defs"], **document["$defs"]["change"]}
    jsonschema_rs.validate(schema, creation())
    gone = {**creation(), "before": creation()["after"], "after": None}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, gone)
    jsonschema_rs.validate(schema, {**gone, "reversible": False, "irreversible_reason": "object_deleted"})
