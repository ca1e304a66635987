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
    vuln_adupdate_bad,
    vuln_compatible_2000_anonymous,
    vuln_compatible_2000_not_default,
    vuln_critical_objects,
    vuln_delegation_a2d2,
    vuln_delegation_sourcedeleg,
    vuln_delegation_t2a4d,
    vuln_delegation_t4d,
    vuln_display_specifier,
    vuln_dnsadmins,
    vuln_dont_expire,
    vuln_dont_expire_priv,
    vuln_dsheuristics_bad,
    vuln_functional_level,
    vuln_group_loop,
    vuln_guest,
    vuln_kerberos_properties_deskey,
    vuln_kerberos_properties_encryption,
    vuln_kerberos_properties_preauth,
    vuln_kerberos_properties_preauth_priv,
    vuln_krbtgt,
    vuln_password_change_cluster_no_change_3years,
    vuln_password_change_dc_no_change,
    vuln_password_change_inactive_dc,
    vuln_password_change_inactive_servers,
    vuln_password_change_msa_no_change_90,
    vuln_password_change_priv,
    vuln_password_change_server_no_change_45,
    vuln_password_change_server_no_change_90,
    vuln_permissions_naming_context,
    vuln_primary_group_id_1000,
    vuln_primary_group_id_nochange,
    vuln_privileged_members,
    vuln_privileged_members_no_admincount,
    vuln_privileged_members_password,
    vuln_protected_users,
    vuln_reversible_password_priv_namingcontext,
    vuln_reversible_password_priv_uac,
    vuln_sidhistory_dangerous,
    vuln_sidhistory_present,
    vuln_silo_priv,
    vuln_smartcard_expire_passwords,
    vuln_spn_priv,
    vuln_sysvol_ntfrs,
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
    vuln_adupdate_bad,
    vuln_compatible_2000_anonymous,
    vuln_compatible_2000_not_default,
    vuln_critical_objects,
    vuln_delegation_a2d2,
    vuln_delegation_sourcedeleg,
    vuln_delegation_t2a4d,
    vuln_delegation_t4d,
    vuln_display_specifier,
    vuln_dnsadmins,
    vuln_dont_expire,
    vuln_dont_expire_priv,
    vuln_dsheuristics_bad,
    vuln_functional_level,
    vuln_group_loop,
    vuln_guest,
    vuln_kerberos_properties_deskey,
    vuln_kerberos_properties_encryption,
    vuln_kerberos_properties_preauth,
    vuln_kerberos_properties_preauth_priv,
    vuln_krbtgt,
    vuln_password_change_cluster_no_change_3years,
    vuln_password_change_dc_no_change,
    vuln_password_change_inactive_dc,
    vuln_password_change_inactive_servers,
    vuln_password_change_msa_no_change_90,
    vuln_password_change_priv,
    vuln_password_change_server_no_change_45,
    vuln_password_change_server_no_change_90,
    vuln_permissions_naming_context,
    vuln_primary_group_id_1000,
    vuln_primary_group_id_nochange,
    vuln_privileged_members,
    vuln_privileged_members_no_admincount,
    vuln_privileged_members_password,
    vuln_protected_users,
    vuln_reversible_password_priv_namingcontext,
    vuln_reversible_password_priv_uac,
    vuln_sidhistory_dangerous,
    vuln_sidhistory_present,
    vuln_silo_priv,
    vuln_smartcard_expire_passwords,
    vuln_spn_priv,
    vuln_sysvol_ntfrs,
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
