#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_change
short_description: Apply or undo planned changes on a Linux host
version_added: 0.1.0
description:
  - The writer of a host. It makes exactly the changes it is given, or puts back what they changed; it decides nothing.
  - It is called by the action plugins of the planners and by the rollback. By itself it keeps no journal.
  - Before each write the present value is compared with the one that the change expects, after it the value is read
    back.
    What someone else changed meanwhile is reported as a conflict and left alone.
  - The changes of one call with the same profile are made together or not at all. The service's own checker sees the
    new files
    before the service is reloaded, and the service must answer a client afterwards; else everything is put back.
  - Files are written beside the old one, flushed and renamed, so that there is never a torn file.
  - A ruleset, or a file of sshd, is guarded. The state before is kept in C(/var/lib/care-remediation/<token>) and a
    systemd timer
    puts it back after O(guard_seconds), unless O(operation=confirm) is called with the token, from a new connection.
    The
    same happens at boot when the host is restarted meanwhile.
  - While a guarded change is unconfirmed, further changes are refused; an undo takes it back at once.
options:
  operation:
    description: Make the changes, put back what they changed, or keep a guarded change.
    type: str
    choices: [apply, undo, confirm]
    required: true
  changes:
    description: The changes, as a planner returned them and with their C(id).
    type: list
    elements: dict
    default: []
  files:
    description:
      - The option O(care.remediation.host_config#module:files) of the task that planned the changes, for secret files
        only.
      - Their content is in no change, so it is worked out again here and must have the hash in the change.
    type: list
    elements: dict
    default: []
  secrets:
    description: The option O(care.remediation.host_config#module:secrets) of the task that planned the changes.
    type: dict
    default: {}
  token:
    description: The token of the guarded change to keep, for O(operation=confirm).
    type: str
  guard_seconds:
    description: Seconds a guarded change stays without being confirmed, from 10 to 3600.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: What changes is known before, from the planner.
  idempotent:
    support: full
extends_documentation_fragment:
  - care.remediation.attributes
seealso:
  - module: care.remediation.host_config
  - module: care.remediation.host_service
  - module: care.remediation.nftables_table
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Put back by hand what a planner's change has changed
  care.remediation.host_change:
    operation: undo
    changes: "{{ changes }}"

- name: Keep a guarded change
  care.remediation.host_change:
    operation: confirm
    token: 0123456789abcdef
"""

RETURN = r"""
results:
  description: What became of each change.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The change.
      type: str
      returned: always
    status:
      description:
        - C(applied), C(already) (it was so), C(conflict) (someone else changed it, it was left alone), C(failed)
          (everything of
          this service was put back), C(undone), C(nothing_to_undo) or C(unverified) (it could not be read).
      type: str
      returned: always
    message:
      description: What happened, in words.
      type: str
      returned: always
    found:
      description: What was found instead, without the content of files.
      type: dict
      returned: always
  sample:
    - {id: c-0123456789abcdef, status: applied, message: "", found: null}
guard:
  description: The guard that takes the changes back unless it is confirmed.
  returned: when a guarded change was made
  type: dict
  contains:
    token:
      description: What O(operation=confirm) takes.
      type: str
      returned: always
    seconds:
      description: The time there is for that.
      type: int
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.options import SECRETS
from ansible_collections.care.remediation.plugins.module_utils.hosts.writer import Writer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "operation": {"type": "str", "choices": ["apply", "undo", "confirm"], "required": True},
            "changes": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "dict", "default": []},
            "secrets": SECRETS,
            "token": {"type": "str", "no_log": False},
            "guard_seconds": {"type": "int", "default": 60},
        },
        required_if=[("operation", "confirm", ("token",))],
        supports_check_mode=True,
    )
    options = module.params
    writer = Writer(entries=options["files"], texts=options["secrets"], guard_seconds=options["guard_seconds"])
    try:
        if options["operation"] == "confirm":
            if not module.check_mode:
                writer.confirm(options["token"])
            result = {"changed": True, "results": []}
        elif options["operation"] == "undo":
            result = writer.undo(options["changes"], module.check_mode)
        else:
            result = writer.apply(options["changes"], module.check_mode)
    except (HostError, OSError, KeyError) as error:
        module.fail_json(msg=f"a change lacks {error}" if isinstance(error, KeyError) else str(error), results=[])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
