# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the action plugins of findings need from the inventory. They run on the control node only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.care.remediation.plugins.module_utils.findings import baseline, document
from ansible_collections.care.remediation.plugins.module_utils.findings.decisions import DecisionError
from ansible_collections.care.remediation.plugins.module_utils.findings.escape import terminal
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import ImportRefused
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.variables import VariablesError
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.care_folder import inventory_folder
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction

DIRECTORY_GROUP = "care_directory"
HOSTS_GROUP = "care_hosts"


class FindingsAction(EngineAction):
    """Subclasses give ``ARGUMENTS`` and ``act``; errors that a person can mend become a failed task."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    ARGUMENTS: ClassVar[dict[str, Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments, act, and turn errors into one clear failure."""
        variables: dict[str, Any] = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        _validated, arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        try:
            result.update(self.act(arguments, variables))
        except (
            document.DocumentError,
            DecisionError,
            ImportRefused,
            ReportError,
            VariablesError,
            catalogue.CatalogueError,
        ) as error:
            # each line apart: the message may quote a report
            raise AnsibleActionFail("\n".join(terminal(line, 2000) for line in str(error).split("\n"))) from error
        return result

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the plugin does; returns its result."""
        raise NotImplementedError

    def folder(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Path:
        """Option ``folder``, else the care folder."""
        given = arguments.get("folder")
        return Path(str(given)).expanduser().absolute() if given else self.care_dir(task_vars)

    def findings_before(self, arguments: Mapping[str, Any], folder: Path, task_vars: Mapping[str, Any]) -> Path:
        """Option ``before``, else the variable ``care_baseline``, else the baseline, else ``findings.json``."""
        given = arguments.get("before") or self.variable(task_vars, "care_baseline")
        return Path(str(given)).expanduser().absolute() if given else baseline.before(folder)

    def host_vars(self, task_vars: Mapping[str, Any]) -> Path:
        """The ``host_vars`` folder beside the inventory."""
        folder = inventory_folder(task_vars)
        if folder is None:
            raise AnsibleActionFail(
                "the inventory is not a file or folder, so there is no host_vars beside it to write to: use an "
                "inventory folder (ansible-playbook -i <folder>), or set the option host_vars"
            )
        return folder / "host_vars"

    def in_group(self, host: str, group: str, task_vars: Mapping[str, Any]) -> bool:
        """Whether an inventory host is in a group."""
        return host in (task_vars.get("groups") or {}).get(group, [])

    def host_variable(self, host: str, name: str, task_vars: Mapping[str, Any]) -> Any:
        """A variable of another inventory host, templated, as plain data; None where it is not set."""
        try:
            return plain(task_vars["hostvars"][host].get(name))
        except AnsibleError as error:
            raise AnsibleActionFail(f"variable {name} of {host} cannot be worked out: {error}") from error

    def inventory_facts(self, task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """For each inventory host what ``importing.inventory.Inventory`` takes, and its protected accounts."""
        facts: dict[str, dict[str, Any]] = {}
        for host in (task_vars.get("groups") or {}).get("all", []):

            def of(name: str, host: str = host) -> Any:
                return self.host_variable(host, name, task_vars)

            given = of("care_addresses")
            addresses = [str(item) for item in given] if isinstance(given, list) else []
            # a domain is an inventory host without a machine: a scanned domain controller is not it
            if not self.in_group(host, DIRECTORY_GROUP, task_vars) or self.in_group(host, HOSTS_GROUP, task_vars):
                addresses += [host, str(of("ansible_host") or host)]
            policy = of("care_exposure_policy") or []
            if not isinstance(policy, list) or not all(isinstance(rule, Mapping) and "port" in rule for rule in policy):
                raise AnsibleActionFail(f"care_exposure_policy of {host} must be a list of {{port, protocol, sources}}")
            facts[host] = {
                "addresses": list(dict.fromkeys(addresses)),
                "names": list(map(str, of("care_names") or [])),
                "sids": [str(of("care_sid"))] if of("care_sid") else [],
                "domains": list(map(str, of("care_domains") or [])),
                "policy": policy,
                "protected": {
                    "break_glass": list(map(str, of("care_break_glass_accounts") or [])),
                    "automation": list(map(str, of("care_automation_accounts") or [])),
                },
            }
        return facts


def plain(value: Any) -> Any:
    """Ansible's lazy containers and tagged values as plain data."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value + 0
    return "".join(value) if isinstance(value, str) else str(value)
