# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every control of the directory. The imports are written out: that is how Ansible finds what to ship."""

from __future__ import annotations

from types import MappingProxyType, ModuleType
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import (
    mie_ad_smartcard,
    vuln_adcs_control,
    vuln_adcs_template_auth_enroll_with_name,
    vuln_adcs_template_control,
    vuln_delegation_t4d,
    vuln_dont_expire,
    vuln_dont_expire_priv,
    vuln_dsheuristics_bad,
    vuln_guest,
    vuln_kerberos_properties_deskey,
    vuln_kerberos_properties_preauth,
    vuln_kerberos_properties_preauth_priv,
    vuln_krbtgt,
    vuln_permissions_naming_context,
    vuln_privileged_members,
    vuln_protected_users,
    vuln_reversible_password_priv_uac,
    vuln_spn_priv,
    vuln_user_accounts_dormant,
    vuln_user_accounts_machineaccountquota,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Control
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

_MODULES: Final = (
    mie_ad_smartcard,
    vuln_adcs_control,
    vuln_adcs_template_auth_enroll_with_name,
    vuln_adcs_template_control,
    vuln_delegation_t4d,
    vuln_dont_expire,
    vuln_dont_expire_priv,
    vuln_dsheuristics_bad,
    vuln_guest,
    vuln_kerberos_properties_deskey,
    vuln_kerberos_properties_preauth,
    vuln_kerberos_properties_preauth_priv,
    vuln_krbtgt,
    vuln_permissions_naming_context,
    vuln_privileged_members,
    vuln_protected_users,
    vuln_reversible_password_priv_uac,
    vuln_spn_priv,
    vuln_user_accounts_dormant,
    vuln_user_accounts_machineaccountquota,
)


def _nothing(snapshot: Snapshot) -> str | None:
    return None


def _control(module: ModuleType) -> Control:
    return Control(
        id=module.ID,
        needs=module.NEEDS,
        detect=module.detect,
        blind=getattr(module, "blind", _nothing),
        remark=getattr(module, "remark", _nothing),
    )


CONTROLS: Final = MappingProxyType({control.id: control for control in map(_control, _MODULES)})
