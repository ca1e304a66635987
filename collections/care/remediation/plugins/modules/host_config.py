#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_config
short_description: Plan changes of configuration files on a Linux host
version_added: 0.1.0
description:
  - Compares configuration files with what they are wanted to be, and returns the changes that would make them so.
  - On the control node, the action plugin of the same name passes those changes through the gate, writes them to the
    journal
    and has them written by M(care.remediation.host_change), which checks the configuration with the service's own
    checker before it
    reloads the service, and puts everything back when the service does not take it.
  - A symbolic link is refused, name the file it leads to. A file larger than 1 MiB is refused.
options:
  files:
    description: The files, each with its whole O(files[].content), or O(files[].edits) of what is there.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path of the file.
        type: str
        required: true
      state:
        description: Whether the file must be there.
        type: str
        choices: [present, absent]
        default: present
      content:
        description:
          - The whole text of the file.
          - Not for secrets, see O(files[].content_from).
        type: str
      content_from:
        description:
          - Name of the entry of O(secrets) that is the whole text of the file.
          - The file is a secret one then, see O(files[].secret).
        type: str
      edits:
        description:
          - Line edits, made one after the other on the text that is there; all other lines stay as they are.
          - Edits that would change the file again when made a second time are refused.
        type: list
        elements: dict
        suboptions:
          match:
            description:
              - Python regular expression, matched from the beginning of each line. Every line that matches is changed.
            type: str
            required: true
          line:
            description:
              - What each matching line becomes.
              - When null, matching lines are removed, or turned into comments by O(files[].edits[].comment).
            type: str
          line_from:
            description:
              - Name of the entry of O(secrets) that is the line.
              - The file is a secret one then, see O(files[].secret).
            type: str
          insert:
            description:
              - Where the line is put when no line matches and the line is not there yet.
              - V(begin), V(end), V(none), V(before:<regular expression>) (before the first line that matches that) or
                V(after:<regular expression>) (after the last one). A place that is not found is an error.
            type: str
            default: end
          comment:
            description: Instead of removing a line, put this sign and a space before it, for instance V(#).
            type: str
          backrefs:
            description:
              - Replace C(\\1) or C(\\g<name>) in O(files[].edits[].line) with what the groups of
                O(files[].edits[].match) matched.
            type: bool
            default: false
      owner:
        description: Owner. As it is when not said, V(root) for a new file.
        type: str
      group:
        description: Group. As it is when not said, V(root) for a new file.
        type: str
      mode:
        description:
          - Octal mode, such as V("0640"). As it is when not said; V("0644"), or V("0600") for a secret one, for a new
            file.
        type: str
      secret:
        description:
          - Whether the content must not leave the host. The change then carries hashes only, and the content before it
            is kept on the host in C(/var/lib/care-remediation/backup), readable by root only, for the rollback.
        type: bool
        default: false
  secrets:
    description:
      - Texts that O(files[].content_from) and O(files[].edits[].line_from) name. Never logged, and in no change set or
        journal.
    type: dict
    default: {}
  profile:
    description:
      - Which service reads these files, and so how they are checked, reloaded and probed.
      - V(sshd) and V(pam_sshd) are guarded, the host takes the change back by itself unless a new connection confirms
        it.
    type: str
    choices: [sshd, pam_sshd, redis, postgresql, nginx, inetd, vsftpd, nftables]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.planner
seealso:
  - module: care.remediation.host_change
  - module: care.remediation.host_service
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Let no one log in over SSH with a password
  care.remediation.host_config:
    control: expo_ssh_password
    profile: sshd
    files:
      - path: /etc/ssh/sshd_config
        edits:
          - match: '#?\s*PasswordAuthentication\s'
            line: PasswordAuthentication no
            insert: begin

- name: Ask redis' clients for a password that stands in no log and no journal
  care.remediation.host_config:
    control: expo_redis_unauthenticated
    profile: redis
    files:
      - path: /etc/redis/redis.conf
        edits:
          - match: '#?\s*requirepass\s'
            line_from: requirepass
    secrets:
      requirepass: "requirepass {{ vaulted_redis_password }}"
"""

RETURN = r"""
changes:
  description:
    - The changes of kind C(file) that are to be made, with the whole content before and after (not for a secret file).
  returned: success
  type: list
  elements: dict
  sample:
    - target: host
      kind: file
      object: {type: file, id: /etc/motd, label: /etc/motd}
      before: {exists: false, sha256: null, mode: null, owner: null, group: null}
      after: {exists: true, sha256: 2c26b46b68ff…, mode: "0644", owner: root, group: root, content: foo}
unresolved:
  description: What needs a person's eye, for instance a service that has not taken its files because a run was killed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts import file_plan, writer
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.layout import Layout
from ansible_collections.care.remediation.plugins.module_utils.hosts.options import FILES, SECRETS
from ansible_collections.care.remediation.plugins.module_utils.hosts.profiles import PROFILES


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "control": {"type": "str"},
            "files": {**FILES, "required": True},
            "secrets": SECRETS,
            "profile": {"type": "str", "choices": list(PROFILES)},
        },
        supports_check_mode=True,
    )
    profile = module.params["profile"]
    try:
        changes, diff = file_plan.plan(module.params["files"], module.params["secrets"], profile)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    unresolved = []
    if profile and writer.unfinished(Layout(), profile):
        unresolved.append(
            f"{profile}: an earlier run was interrupted before the service took its files; the next change or rollback "
            f"finishes that, or reload the service and remove {writer.mark(Layout(), profile)}"
        )
        module.warn(unresolved[0])
    module.exit_json(changed=bool(changes), changes=changes, diff=diff, unresolved=unresolved)


if __name__ == "__main__":
    main()
