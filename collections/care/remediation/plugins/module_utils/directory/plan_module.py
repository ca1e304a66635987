# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every directory planner module does around its planning: options, connection, protected accounts, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.care.remediation.plugins.module_utils.directory import identity
from ansible_collections.care.remediation.plugins.module_utils.directory import session as sessions
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import (
    Protected,
    protected_accounts,
)

CONTROL: Final = {"control": {"type": "str"}}
MISSING: Final = {"missing": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"}}

Planner = Callable[[AnsibleModule, sessions.Session, Protected, Plan], "dict[str, Any] | None"]


def run(options: dict[str, Any], planner: Planner, **more: Any) -> None:
    """The ``main()`` of a planner module: never writes, ends with the planner's result or a message that names things.

    ``planner`` adds to the plan and returns further results, or None. ``more`` goes to AnsibleModule.
    """
    module = AnsibleModule(
        argument_spec={**sessions.argument_spec(), **CONTROL, **options}, supports_check_mode=True, **more
    )
    try:
        if sessions.LDAP_IMPORT_ERROR is not None:
            module.fail_json(msg=missing_required_lib("python-ldap"), exception=str(sessions.LDAP_IMPORT_ERROR))
        with sessions.Session.connect(sessions.ConnectionOptions.from_params(module.params)) as session:
            plan = Plan()
            extra = planner(module, session, protected(session, module.params), plan) or {}
    except (PlanError, sessions.DirectoryError) as error:
        module.fail_json(msg=str(error))
    for notice in plan.notices:
        module.warn(notice["text"])
    module.exit_json(**plan.result(), **extra)


def protected(session: sessions.Session, params: dict[str, Any]) -> Protected:
    """The protected accounts of the module's options; one that does not exist is an error, it would protect nobody."""
    attributes = list(IDENTITY_ATTRIBUTES)
    return protected_accounts(
        session,
        identity.resolve_many(session, list(params["break_glass_accounts"]), attributes),
        identity.resolve_many(session, list(params["automation_accounts"]), attributes),
    )


def resolve(
    session: sessions.Session, identities: Iterable[str], attributes: Iterable[str], plan: Plan, missing: str
) -> dict[str, Entry]:
    """The entries of all identities at once; with ``missing: ignore`` those that do not exist go to ``unresolved``."""
    wanted = list(dict.fromkeys(identities))
    found = identity.resolve_many(
        session, wanted, list(attributes), missing="ignore" if missing == "ignore" else "error"
    )
    plan.unresolved.extend(name for name in wanted if name not in found)
    return found
