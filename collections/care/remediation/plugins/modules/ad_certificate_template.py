#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_certificate_template
short_description: Correct certificate templates of Active Directory Certificate Services
version_added: 0.1.0
description:
  - Takes from a certificate template what makes its certificates dangerous. The requester no longer says who a
    certificate is for, a manager approves each request, another certificate signs it, or the certificate carries the
    SID of its holder.
  - Stops authorities from publishing a template, and takes authorities out of NTAuthCertificates.
  - Only single bits are set and cleared, only the named values removed. All else that a template says stays, and
    undoing puts back what was there.
  - Who may enrol or change a template is a matter of its access list, see M(care.remediation.ad_acl).
options:
  templates:
    description: The templates to correct. A correction that is made already changes nothing.
    type: list
    elements: dict
    default: []
    suboptions:
      template:
        description: The template, as distinguished name, GUID, or its name (C(cn), which is not its display name).
        type: str
        required: true
      corrections:
        description:
          - V(no_supplied_subject) clears C(CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) and
            C(CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME) of C(msPKI-Certificate-Name-Flag).
          - V(manager_approval) sets C(CT_FLAG_PEND_ALL_REQUESTS) of C(msPKI-Enrollment-Flag). Refused for a template
            of version 1, which does not know it.
          - V(ra_signature) makes C(msPKI-RA-Signature) at least 1. Refused for a template of version 1, and for one
            that does not say which certificates may sign.
          - V(security_extension) clears C(CT_FLAG_NO_SECURITY_EXTENSION) of C(msPKI-Enrollment-Flag), so that
            certificates carry the SID of their holder.
          - V(unpublish) removes the template from C(certificateTemplates) of every enrolment service.
        type: list
        elements: str
        choices: [manager_approval, no_supplied_subject, ra_signature, security_extension, unpublish]
        required: true
      control:
        description: Id of the control that asks for this one template, beside O(control).
        type: str
      label:
        description: A name for the reader. It decides nothing.
        type: str
  nt_auth_remove:
    description:
      - Certificates of authorities that nobody logs on by, named by SHA-1 or SHA-256 (hexadecimal digits, spaces
        and colons allowed). They are removed from NTAuthCertificates. One that is not there changes nothing.
      - Logging on by smart card or EAP-TLS, and domain controllers' own certificates, then stop working for those.
    type: list
    elements: str
    default: []
  missing:
    description:
      - What a template that does not exist means. With V(ignore) it is listed in RV(unresolved).
    type: str
    choices: [fail, ignore]
    default: fail
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
seealso:
  - module: care.remediation.ad_acl
  - module: care.remediation.directory_change
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Requesters no longer choose whose certificate they get
  care.remediation.ad_certificate_template:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    templates:
      - template: PosteDeTravail
        corrections: [no_supplied_subject]
      - template: 2c1b7c1e-0000-4000-8000-123456789abc
        corrections: [manager_approval, security_extension]
    control: vuln_adcs_template_auth_enroll_with_name

- name: Nobody logs on by certificates of the authority for printers
  care.remediation.ad_certificate_template:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    nt_auth_remove:
      - A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D
    control: vuln_adcs_template_auth_enroll_with_name
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know and no change shows.
  returned: success
  type: list
  elements: dict
  contains:
    object: {description: The object., type: str, returned: always}
    code: {description: A stable word., type: str, returned: always}
    text: {description: The sentence., type: str, returned: always}
unresolved:
  description: Templates that do not exist.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_templates import (
    CORRECTIONS,
    TemplateWish,
    plan_nt_auth,
    plan_templates,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan in the order in which ANSSI asks for it: NTAuth first, then the templates."""
    del protected  # a template is no account, and takes nothing from one that it gave
    params = module.params
    if params["nt_auth_remove"]:
        plan_nt_auth(session, plan, params["nt_auth_remove"], params["missing"])
    wishes = [TemplateWish(one["template"], tuple(one["corrections"]), one["control"]) for one in params["templates"]]
    plan_templates(session, plan, wishes, params["missing"])


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "templates": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "template": {"type": "str", "required": True},
                    "corrections": {
                        "type": "list",
                        "elements": "str",
                        "required": True,
                        "choices": list(CORRECTIONS),
                    },
                    "control": {"type": "str"},
                    "label": {"type": "str"},
                },
            },
            "nt_auth_remove": {"type": "list", "elements": "str", "default": []},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
