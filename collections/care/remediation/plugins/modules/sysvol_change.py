#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sysvol_change
short_description: Apply or undo a list of changes of SYSVOL
version_added: 0.1.0
description:
  - Applies or undoes changes of the files, folders and access lists of group policies that the planner
    M(care.remediation.ad_gpo) found, over SMB on one domain controller.
  - Each file is compared (by hash) with what the change expects, replaced as a whole, and read back. What someone else
    changed meanwhile is reported as a conflict and left as it is.
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
requirements:
  - smbprotocol with its Kerberos extra (C(pip install 'smbprotocol[kerberos]'))
notes:
  - Only the folder C(Policies) of the domain's SYSVOL on O(server) is ever read or written.
  - The connection is signed, and sealed unless O(encrypt=false).
  - V(simple) of O(auth_protocol) is LDAP's alone. Kerberos or NTLM is used here in its place.
  - A password that was taken out of a file is not put back; its result is V(irreversible).
seealso:
  - module: care.remediation.ad_gpo
  - module: care.remediation.directory_change
  - module: care.remediation.rollback
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: See which changes of a file could be undone, without undoing them
  care.remediation.sysvol_change:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    operation: undo
    changes: "{{ (lookup('ansible.builtin.file', 'care/change-set.json') | from_json).changes
                  | selectattr('target', 'equalto', 'sysvol') }}"
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
from ansible_collections.care.remediation.plugins.module_utils.sysvol import share as shares
from ansible_collections.care.remediation.plugins.module_utils.sysvol import writer
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError


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
    if shares.SMB_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("smbprotocol"), exception=str(shares.SMB_IMPORT_ERROR))
    changes = module.params["changes"]
    if module.params["operation"] == "confirm" or not changes:
        module.exit_json(changed=False, results=[])
    try:
        options = sessions.ConnectionOptions.from_params(module.params)
        with sessions.Session.connect(options) as session, shares.Share.connect(options, session) as share:
            result = writer.write(session, share, module.params["operation"], changes, check_mode=module.check_mode)
    except (sessions.DirectoryError, SysvolError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
