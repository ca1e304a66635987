#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: directory_change
short_description: Apply or undo a list of directory changes
version_added: 0.1.0
description:
  - Applies or undoes changes that a planner such as M(care.remediation.ad_account) found, over one LDAP connection.
  - Each value is compared with what the change expects, written, and read back. What someone else changed meanwhile is
    reported as a conflict and left as it is.
  - Trusts cannot be changed over LDAP by anyone. They are changed through the Local Security Authority of the same
    domain controller, over SMB (port 445), with the same credentials. That needs the Python library smbprotocol.
  - The action plugins of the planners and of M(care.remediation.rollback) call it. A playbook seldom does.
options:
  operation:
    description:
      - V(apply) leads from C(before) to C(after), V(undo) back, in reverse order.
      - V(confirm) exists for the writer of hosts; here there is nothing to confirm.
    type: str
    choices: [apply, undo, confirm]
    default: apply
  changes:
    description: The changes, in the form that C(docs/architecture.md) describes.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
notes:
  - A change with a hazard (a protected account) is never applied.
  - A random password that was set cannot be taken back; its result is V(irreversible).
seealso:
  - module: care.remediation.ad_account
  - module: care.remediation.rollback
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: See which changes of a file could be undone, without undoing them
  care.remediation.directory_change:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    operation: undo
    changes: "{{ (lookup('ansible.builtin.file', 'care/change-set.json') | from_json).changes }}"
  check_mode: true
"""

RETURN = r"""
results:
  description: What became of each change, in the order given.
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
        - One of V(applied), V(already), V(undone), V(nothing_to_undo), V(irreversible), V(conflict), V(failed) and
          V(unverified).
      type: str
      returned: always
    message:
      description: The object, what was expected, what was found; empty when all is well.
      type: str
      returned: always
    found:
      description: The value that stands in the way.
      type: str
      returned: for a conflict
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.care.remediation.plugins.module_utils.directory import session as sessions
from ansible_collections.care.remediation.plugins.module_utils.directory import writer
from ansible_collections.care.remediation.plugins.module_utils.sysvol import lsa


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **sessions.argument_spec(),
            "operation": {"type": "str", "choices": ["apply", "undo", "confirm"], "default": "apply"},
            "changes": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    if sessions.LDAP_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("python-ldap"), exception=str(sessions.LDAP_IMPORT_ERROR))
    changes = module.params["changes"]
    if module.params["operation"] == "confirm" or not changes:
        module.exit_json(changed=False, results=[])
    try:
        with sessions.Session.connect(sessions.ConnectionOptions.from_params(module.params)) as session:
            result = writer.write(
                session,
                module.params["operation"],
                changes,
                check_mode=module.check_mode,
                trust_policy=lsa.TrustPolicy.connect,
            )
    except sessions.DirectoryError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
