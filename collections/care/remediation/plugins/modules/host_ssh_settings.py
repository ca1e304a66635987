#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Says what sshd and its PAM stack should become, and who would be cut off. Writes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_ssh_settings
short_description: Work out what sshd should become and who would be cut off
version_added: 0.1.0
description:
  - Reads what sshd really applies to each account (C(sshd -T -C)) and returns the files as they should be, ready for
    M(care.remediation.host_config). It writes nothing.
  - The drop-in files are right alone and together, whichever came first and whichever is taken back first.
  - Meant to be run as root on the host.
options:
  setting:
    description:
      - V(keys_only), no password in any form.
      - V(root_key_only), root never by password.
      - V(mie), key and one-time code for a group.
    type: str
    required: true
    choices: [keys_only, root_key_only, mie]
  connecting_user:
    description: Who Ansible logs in as. Found out from C(sudo) and the login session when not given.
    type: str
  break_glass_accounts:
    description: Login names that must keep their way in. Exempt from the one-time code.
    type: list
    elements: str
    default: []
  automation_accounts:
    description: Login names of automation accounts. They must keep their way in. Exempt from the one-time code.
    type: list
    elements: str
    default: []
  group:
    description: Group whose members need key and one-time code (O(setting=mie)).
    type: str
    default: administrateurs
  users_file:
    description: The file of pam_oath.
    type: path
    default: /etc/users.oath
  window:
    description: How many codes before and after the present one are accepted.
    type: int
    default: 2
  digits:
    description: Number of digits of a code.
    type: int
    choices: [6, 7, 8]
    default: 6
  with_secret:
    description: Login names that a secret is at hand for. The secrets themselves are not for this module.
    type: list
    elements: str
    default: []
  install:
    description: Whether pam_oath will be installed before this is applied, so that its absence is no problem.
    type: bool
    default: false
extends_documentation_fragment:
  - care.remediation.attributes
author:
  - care.remediation contributors (@care-remediation)
seealso:
  - module: care.remediation.host_config
"""

EXAMPLES = r"""
- name: What sshd should say for keys only
  care.remediation.host_ssh_settings:
    setting: keys_only
    break_glass_accounts: [secours]
    automation_accounts: [ansible]
  register: care_ssh

- name: Stop when somebody would be cut off
  ansible.builtin.assert:
    that: care_ssh.problems | length == 0
    fail_msg: "{{ care_ssh.problems | join('; ') }}"
"""

RETURN = r"""
files:
  description: Files as they should be, as O(care.remediation.host_config#module:files) takes them.
  type: list
  elements: dict
  returned: success
secrets:
  description: Always empty here.
  type: dict
  returned: success
units:
  description: Always empty here.
  type: list
  elements: dict
  returned: success
problems:
  description: Why it must not be applied as things are, each with what to do. Empty when nothing stands in the way.
  type: list
  elements: str
  returned: success
notes:
  description: What an administrator should know although it does not stand in the way.
  type: list
  elements: str
  returned: success
hazards:
  description: Accounts that would be cut off, C(kind) and C(object) as in a change.
  type: list
  elements: dict
  returned: success
enrolment:
  description: Who of the group is ready for the one-time code.
  type: dict
  returned: O(setting=mie)
  contains:
    missing:
      description: Accounts with a secret at hand that are not in the file yet.
      type: list
      elements: str
    unready:
      description: Members who could not log in any more, each with why.
      type: list
      elements: str
    enrolled:
      description: Accounts with a line in the file.
      type: list
      elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import ssh

SETTINGS = {"keys_only": ssh.keys_only, "root_key_only": ssh.root_key_only, "mie": ssh.mie}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "setting": {"type": "str", "required": True, "choices": list(SETTINGS)},
            "connecting_user": {"type": "str"},
            "break_glass_accounts": {"type": "list", "elements": "str", "default": []},
            "automation_accounts": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "str", "default": "administrateurs"},
            "users_file": {"type": "path", "default": "/etc/users.oath"},
            "window": {"type": "int", "default": 2},
            "digits": {"type": "int", "choices": [6, 7, 8], "default": 6},
            # Login names, not secrets.
            "with_secret": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "install": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    result: dict[str, Any] = {"changed": False}
    try:
        result.update(SETTINGS[module.params["setting"]](module.params).as_dict())
        if module.params["setting"] == "mie":
            result["enrolment"] = ssh.enrolment(module.params, module.params["with_secret"])
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
