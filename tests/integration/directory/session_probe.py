# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connect with the options given as JSON on stdin, and say what came of it as JSON."""

from __future__ import annotations

import json
import os
import sys

from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    ConnectionOptions,
    DirectoryError,
    Session,
)

answer = {}
try:
    before = dict(os.environ)
    with Session.connect(ConnectionOptions.from_params(json.load(sys.stdin))) as session:
        users = sum(1 for _ in session.search(session.domain_dn, "(objectClass=user)", ["cn"]))
        answer = {
            "mechanism": session.mechanism, "server": session.server, "connected_sid": session.connected_sid,
            "domain_sid": session.domain_sid, "dns_name": session.dns_name, "users": users,
            "environment_restored": before == dict(os.environ),
            "descriptor": bool(session.read(session.domain_dn, ["nTSecurityDescriptor"], sd_flags=4)),
        }  # fmt: skip
except DirectoryError as error:
    answer = {"error": str(error)}
json.dump(answer, sys.stdout)
