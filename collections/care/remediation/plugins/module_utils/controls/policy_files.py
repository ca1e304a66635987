# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may change the files of a policy in SYSVOL: one finding for each policy and holder, with the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import ControlGraph
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import folder_of
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.sysvol.descriptor import FILE_CHANGE, generic_file_mask

OWNER: Final = "Owner"
NO_LIST: Final = "NoDacl"
CHANGE: Final = "ChangeFiles"
# Everyone, where there is no access list
_EVERYONE: Final = "S-1-1-0"
_SHOWN: Final = 10


@dataclass(slots=True)
class _Holder:
    rights: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    total: int = 0


def blind(snapshot: Snapshot) -> str | None:
    """Why the files' access lists cannot be judged: the server did not show one, or it is not understood."""
    for folder, files in (snapshot.policy_files or {}).items():
        for file in files:
            if file.descriptor is None:
                return f"the access list of {folder}\\{file.path} in SYSVOL is not readable (right: Read permissions)"
            if file.descriptor.blind is not None:
                return f"{folder}\\{file.path} in SYSVOL: {file.descriptor.blind}"
    return None


def detect(snapshot: Snapshot, targets: Sequence[Target]) -> Iterator[Found]:
    """One finding for each policy and each untrusted holder of a right to change its files; level 1."""
    graph = ControlGraph.of(snapshot)
    for target in targets:
        item = target.item
        holders: dict[str, _Holder] = {}
        for file in (snapshot.policy_files or {}).get(folder_of(item.dn), []):
            for sid, right in _grants(file.descriptor):
                if sid in graph.trusted:
                    continue
                holder = holders.setdefault(sid, _Holder())
                if right not in holder.rights:
                    holder.rights.append(right)
                shown = file.path or "."
                if shown not in holder.files:
                    holder.total += 1
                    if len(holder.files) < _SHOWN:
                        holder.files.append(shown)
        for sid, holder in sorted(holders.items()):
            name = graph.name(sid)
            yield Found(
                type="object",
                id=f"{item.guid or item.dn}#sysvol-{sid}",
                label=f"{name} : {', '.join(holder.rights)} (SYSVOL, {item.label})",
                dn=item.dn,
                sid=sid,
                level=1,
                wording=(
                    f"{name} ({sid}) may change files of the policy {item.label} in SYSVOL"
                    f" ({', '.join(holder.rights)} on {holder.total} of them)."
                ),
                evidence={
                    "policy": item.dn,
                    "trustee": name,
                    "trustee_sid": sid,
                    "rights": holder.rights,
                    "files": holder.files,
                    "files_total": holder.total,
                },
            )


def _grants(descriptor: Descriptor | None) -> Iterator[tuple[str, str]]:
    """Who may change a file, and by what. A descriptor that is not understood is `blind`'s matter."""
    if descriptor is None or descriptor.why is not None:
        return
    if descriptor.owner is not None:
        yield descriptor.owner, OWNER
    if descriptor.aces is None:
        yield _EVERYONE, NO_LIST
        return
    for ace in descriptor.aces:
        if ace.type not in sd.ALLOWING or ace.sid is None or ace.mask is None or ace.object_type is not None:
            continue
        # what a folder only hands down is judged on the files it comes to, or will come to: it counts as well
        if generic_file_mask(ace.mask) & FILE_CHANGE:
            yield ace.sid, CHANGE
