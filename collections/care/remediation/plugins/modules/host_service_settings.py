#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Says what the configuration of a service should become. Writes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_service_settings
short_description: Work out what a host's service configuration should become
version_added: 0.1.0
description:
  - Reads the configuration that a service really uses on the host and returns the files and units as they should be,
    ready for M(care.remediation.host_config) and M(care.remediation.host_service). It writes nothing.
  - Only what a control asks for is changed in a file; the rest of it stays as it is, byte for byte.
  - Meant to be run as root on the host.
options:
  service:
    description:
      - V(telnet) and V(ftp) are switched off, whether inetd, a socket unit or a service unit serves them.
      - V(redis) is bound to O(redis_addresses), in protected mode, and asks for a password.
      - V(postgresql) listens on O(postgresql_addresses) and lets nobody in over the network without a password.
      - V(nginx) speaks TLS 1.2 and 1.3 only, with Mozilla's intermediate ciphers.
    type: str
    required: true
    choices: [telnet, ftp, redis, postgresql, nginx]
  redis_config:
    description: The main configuration file of Redis.
    type: path
    default: /etc/redis/redis.conf
  redis_addresses:
    description: Addresses that Redis listens on. A leading dash makes one optional, see redis.conf.
    type: list
    elements: str
    default: [127.0.0.1, "-::1"]
  redis_password_sha256:
    description:
      - SHA-256 of the password of Redis's default user, 64 lower-case hexadecimal digits.
      - Without it, what asks for a password today is kept; when nothing does, that is a problem.
    type: str
  postgresql_addresses:
    description: Addresses that PostgreSQL listens on.
    type: list
    elements: str
    default: [localhost]
  postgresql_trust:
    description: What becomes of a network line of pg_hba.conf with the method C(trust).
    type: str
    choices: [scram-sha-256, remove]
    default: scram-sha-256
extends_documentation_fragment:
  - care.remediation.attributes
author:
  - care.remediation contributors (@care-remediation)
seealso:
  - module: care.remediation.host_config
  - module: care.remediation.host_service
"""

EXAMPLES = r"""
- name: What nginx should say
  care.remediation.host_service_settings:
    service: nginx
  register: care_nginx

- name: Make it say so
  care.remediation.host_config:
    control: expo_tls_obsolete
    profile: nginx
    files: "{{ care_nginx.files }}"
"""

RETURN = r"""
files:
  description: Files as they should be, as O(care.remediation.host_config#module:files) takes them.
  type: list
  elements: dict
  returned: success
secrets:
  description: Texts of the files that hold a secret, by path. Register this task with C(no_log) when it can be one.
  type: dict
  returned: success
units:
  description: Units as they should be, as O(care.remediation.host_service#module:units) takes them.
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
  description: Accounts that would be cut off. Always empty here.
  type: list
  elements: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import services


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True, "choices": list(services.SERVICES)},
            "redis_config": {"type": "path", "default": "/etc/redis/redis.conf"},
            "redis_addresses": {"type": "list", "elements": "str", "default": ["127.0.0.1", "-::1"]},
            # A hash, and it must come back in the text of a file: hiding it would write asterisks there.
            "redis_password_sha256": {"type": "str", "no_log": False},
            "postgresql_addresses": {"type": "list", "elements": "str", "default": ["localhost"]},
            "postgresql_trust": {"type": "str", "choices": ["scram-sha-256", "remove"], "default": "scram-sha-256"},
        },
        supports_check_mode=True,
    )
    try:
        settings = services.SERVICES[module.params["service"]](module.params)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **settings.as_dict())


if __name__ == "__main__":
    main()
