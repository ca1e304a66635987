# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501  (sentences in two languages, one a line)

"""What the gate, the runs and the rollback say to a person, in French and in English."""

from __future__ import annotations

from typing import Any

LANGUAGES = ("fr", "en")

_TEXTS: dict[str, dict[str, str]] = {
    "fr": {
        "change_set": "Ensemble de changements",
        "heading.gate": "Approbation",
        "heading.closed": "Bilan",
        "heading.rollback": "Retour arrière",
        "nothing_to_change": "Rien à changer : tout est déjà comme demandé.",
        "n_changes": "{changes} changement(s) sur {objects} objet(s).",
        "by_control": "Par contrôle :",
        "by_host": "Par cible :",
        "irreversible": "Irréversibles ({count}), à accepter en connaissance de cause :",
        "irreversible.krbtgt_first_reset": "la clé du service Kerberos devient aléatoire ; "
        "le domaine ne garde l’ancienne que comme clé précédente",
        "irreversible.krbtgt_second_reset": "les tickets émis avant la première réinitialisation ne seront plus acceptés ; "
        "aucune des deux clés ne peut être remise",
        "irreversible.password_date_lost": "la date du mot de passe ne peut pas être remise ; "
        "le titulaire devra en choisir un nouveau",
        "irreversible.password_lost": "l’ancien mot de passe ne peut pas être remis",
        "irreversible.sid_history_lost": "aucun annuaire ne laisse remettre un SID dans un historique",
        "irreversible.object_deleted": "un objet supprimé ne revient pas avec le même identifiant ni les mêmes droits",
        "irreversible.cpassword_removed": "un mot de passe publié dans SYSVOL n’y est pas remis",
        "irreversible.functional_level": "un niveau fonctionnel relevé ne redescend pas",
        "side_effects": "Ce que le serveur changera de lui-même et que le retour arrière ne défera pas :",
        "digest": "Empreinte : {digest}",
        "files": "À lire : {html}",
        "approve_hint": "Pour appliquer exactement ces changements : ajoutez -e care_approve={digits} et retirez --check.",
        "and_more": "… et {count} autre(s), voir la page HTML",
        "no_control": "(sans contrôle)",
        "blocked": "CET ENSEMBLE SERA REFUSÉ EN L’ÉTAT :",
        "stopped": "Arrêt avant le premier changement, rien n’a été modifié :",
        "not_planned": "La planification a échoué sur : {hosts}. Corrigez ce que leurs messages disent, ou laissez-les de "
        "côté avec --limit.",
        "max_changes": "{count} objets seraient touchés, la limite care_max_changes est {limit}. "
        "Réduisez le périmètre (--limit, --tags) ou relevez la limite.",
        "hazard.break_glass": "{object} est un compte de bris de glace ({change}). Retirez ce changement des décisions.",
        "hazard.automation": "{object} est un compte d’automatisation ({change}). Retirez ce changement des décisions.",
        "hazard.connected_account": "{object} est le compte avec lequel cette connexion est faite ({change}). "
        "Retirez ce changement des décisions ou utilisez un autre compte.",
        "hazard.management_path": "{object} est le chemin d’administration ({change}). "
        "Complétez care_management_sources ou care_exposure_policy.",
        "last_member": "{host} : le groupe privilégié {group} ({sid}) perdrait son dernier membre ({members} aujourd’hui). "
        "Gardez au moins un membre.",
        "contradiction": "{object} : deux tâches veulent des valeurs différentes (contrôles : {controls}). "
        "Corrigez les variables : une seule peut être appliquée.",
        "earlier_step": "non tenté : une étape précédente de la même stratégie a été refusée ou a échoué",
        "approve.missing": "Aucune approbation. Lisez d’abord l’essai à blanc (remediate.yml --check), puis ajoutez "
        "-e care_approve=<au moins 12 chiffres de l’empreinte>. "
        "Pour appliquer sans ensemble approuvé, dites-le : -e care_approve=none.",
        "approve.short": "care_approve={given} n’est pas une empreinte : donnez au moins {minimum} de ses chiffres, ou none.",
        "approve.mismatch": "care_approve={given} ne désigne pas l’ensemble de changements présent (empreinte {found}). "
        "Relisez change-set.html et approuvez celui-là, ou refaites l’essai à blanc.",
        "approve.altered": "change-set.json a été modifié après l’essai à blanc (empreinte écrite {expected}, "
        "calculée {found}). Refaites l’essai à blanc et approuvez son résultat.",
        "gate": "{allowed} changement(s) autorisé(s).",
        "gate.in_place": "Approuvés et déjà en place ({count}) :",
        "gate.out_of_scope": "Approuvés, hors du périmètre de cette exécution ({count}) :",
        "gate.refused": "Refusés ({count}) :",
        "refused.not_approved": "pas dans l’ensemble approuvé",
        "refused.moved": "la valeur a changé depuis l’approbation",
        "refused.unplanned": "pas prévu au début de cette exécution ; relancez",
        "closed": "Exécution {run} : {applied} appliqué(s), {already} déjà en place, {refused} refusé(s), {failed} en échec.",
        "closed.failed": "Non faits ou non vérifiés :",
        "closed.hosts": "Cibles qui n’ont pas terminé : {hosts}",
        "closed.fail": "Tout n’a pas été appliqué : {refused} changement(s) refusé(s), {failed} en échec, "
        "cibles non terminées : {hosts}. Ce qui est approuvé et possible a été appliqué. Détail ci-dessus et dans {journal}.",
        "journal": "Journal : {journal}",
        "rollback_hint": "Retour arrière : rollback.yml (--check d’abord), ou -e care_run={run}",
        "nothing_done": "aucune",
        "task_failed": "{failed} changement(s) sur {total} n’ont pas été faits :",
        "status.conflict": "la valeur trouvée n’est ni l’ancienne ni la nouvelle : laissée telle quelle",
        "status.failed": "échec",
        "status.unverified": "fait peut-être, non vérifié",
        "status.irreversible": "irréversible",
        "guard.not_confirmed": "Aucune nouvelle connexion vers {host} après ce changement ({reason}). "
        "La machine revient d’elle-même à l’état précédent (au plus tard dans {seconds} s).",
        "guard.short": "aucune nouvelle connexion ne l’a confirmé",
        "guard.taken_back": "Vérifié : {host} est revenue d’elle-même à l’état précédent.",
        "guard.unknown": "{host} ne répond pas encore : vérifiez par la console qu’elle est revenue à l’état précédent.",
        "rollback": "Retour arrière de l’exécution {run}",
        "rollback.check": "Retour arrière de l’exécution {run} (essai à blanc)",
        "rollback.torn": "Le journal a une ligne incomplète (ligne {lines}) : trace d’un arrêt brutal, sans effet.",
        "rollback.none": "Aucune exécution n’a rien changé dans {care_dir} : rien à défaire.",
        "rollback.counts": "{undone} défait(s), {nothing_to_undo} déjà comme avant, {conflict} laissé(s) car modifié(s) "
        "par ailleurs, {irreversible} irréversible(s), {failed} en échec, {pending} restant(s).",
        "rollback.counts.check": "{undone} seraient défait(s), {nothing_to_undo} déjà comme avant, {conflict} seraient "
        "laissé(s) car modifié(s) par ailleurs, {irreversible} irréversible(s), {failed} en échec, {pending} non vus.",
        "rollback.conflict": "Modifiés par quelqu’un d’autre depuis, laissés tels quels :",
        "rollback.irreversible": "Déclarés irréversibles avant d’être appliqués, non défaits :",
        "rollback.failed": "En échec :",
        "rollback.pending": "Pas atteints (cible absente de l’inventaire, de --limit, ou injoignable) :",
        "rollback.older": "Des exécutions antérieures ont aussi fait des changements : {runs} (-e care_run=…).",
        "rollback.fail": "Le retour arrière n’est pas complet : {failed} en échec, {pending} non atteint(s). "
        "Corrigez la cause et relancez rollback.yml -e care_run={run}.",
        "page.title": "Changements prévus",
        "page.lead": "Ce que l’essai à blanc a trouvé à changer. Rien n’a été modifié.",
        "page.approve": "Pour approuver exactement cet ensemble",
        "page.created": "Établi le",
        "page.digest": "Empreinte",
        "page.limit": "Limite d’objets",
        "page.changes": "changements",
        "page.objects": "objets",
        "page.irreversible": "irréversibles",
        "page.blocked": "Cet ensemble sera refusé en l’état",
        "page.host": "Cible",
        "page.object": "Objet",
        "page.attribute": "Attribut",
        "page.before": "Avant",
        "page.after": "Après",
        "page.controls": "Contrôles",
        "page.undo": "Retour arrière",
        "page.reversible": "oui",
        "page.not_reversible": "non",
        "page.side_effects": "Le serveur changera aussi",
        "page.not_restored": "ne sera pas restauré",
        "page.details": "Détail",
        "page.kind.flags": "indicateurs",
        "page.kind.values": "valeurs",
        "page.kind.replace": "valeur",
        "page.kind.aces": "permissions",
        "page.kind.owner": "propriétaire",
        "page.kind.password": "mot de passe",
        "page.kind.object": "objet",
        "page.kind.file": "fichier",
        "page.kind.service": "service",
        "page.kind.ruleset": "règles nftables",
        "page.empty": "Rien à changer : tout est déjà comme demandé.",
    },
    "en": {
        "change_set": "Change set",
        "heading.gate": "Approval",
        "heading.closed": "Outcome",
        "heading.rollback": "Rollback",
        "nothing_to_change": "Nothing to change: everything is as asked.",
        "n_changes": "{changes} change(s) of {objects} object(s).",
        "by_control": "By control:",
        "by_host": "By target:",
        "irreversible": "Irreversible ({count}), to be accepted knowingly:",
        "irreversible.krbtgt_first_reset": "the key of the Kerberos service becomes random; the domain keeps the old one as the previous key only",
        "irreversible.krbtgt_second_reset": "tickets issued before the first reset stop being accepted; neither key can be put back",
        "irreversible.password_date_lost": "the date of the password cannot be put back; its owner must choose a new one",
        "irreversible.password_lost": "a former password cannot be put back",
        "irreversible.sid_history_lost": "no directory lets anyone put a SID back into a history",
        "irreversible.object_deleted": "a deleted object does not come back with the same identifier and rights",
        "irreversible.cpassword_removed": "a password that was published in SYSVOL is not put back there",
        "irreversible.functional_level": "a functional level that was raised does not go down again",
        "side_effects": "What the server itself will change and a rollback will not undo:",
        "digest": "Digest: {digest}",
        "files": "Read: {html}",
        "approve_hint": "To apply exactly these changes: add -e care_approve={digits} and remove --check.",
        "and_more": "… and {count} more, see the HTML page",
        "no_control": "(no control)",
        "blocked": "AS IT IS, THIS SET WILL BE REFUSED:",
        "stopped": "Stopped before the first change, nothing was changed:",
        "not_planned": "Planning failed on: {hosts}. Correct what their messages say, or leave them out with --limit.",
        "max_changes": "{count} objects would be touched, the limit care_max_changes is {limit}. "
        "Narrow the run (--limit, --tags) or raise the limit.",
        "hazard.break_glass": "{object} is a break-glass account ({change}). Take this change out of the decisions.",
        "hazard.automation": "{object} is an automation account ({change}). Take this change out of the decisions.",
        "hazard.connected_account": "{object} is the account of this connection ({change}). "
        "Take this change out of the decisions or use another account.",
        "hazard.management_path": "{object} is the management path ({change}). "
        "Complete care_management_sources or care_exposure_policy.",
        "last_member": "{host}: the privileged group {group} ({sid}) would lose its last member ({members} today). "
        "Keep at least one member.",
        "contradiction": "{object}: two tasks want different values (controls: {controls}). "
        "Correct the variables: only one can be applied.",
        "earlier_step": "not tried: an earlier step of the same policy was refused or failed",
        "approve.missing": "No approval. Read the dry run first (remediate.yml --check), then add "
        "-e care_approve=<at least 12 digits of the digest>. "
        "To apply without an approved change set, say so: -e care_approve=none.",
        "approve.short": "care_approve={given} is not a digest: give at least {minimum} of its digits, or none.",
        "approve.mismatch": "care_approve={given} does not name the change set that is there (digest {found}). "
        "Read change-set.html again and approve that one, or make a new dry run.",
        "approve.altered": "change-set.json was edited after the dry run (digest written {expected}, computed {found}). "
        "Make a new dry run and approve its result.",
        "gate": "{allowed} change(s) may be applied.",
        "gate.in_place": "Approved and already in place ({count}):",
        "gate.out_of_scope": "Approved, outside what this run looks at ({count}):",
        "gate.refused": "Refused ({count}):",
        "refused.not_approved": "not in the approved change set",
        "refused.moved": "the value changed since it was approved",
        "refused.unplanned": "not planned at the start of this run; run again",
        "closed": "Run {run}: {applied} applied, {already} already in place, {refused} refused, {failed} failed.",
        "closed.failed": "Not done or not verified:",
        "closed.hosts": "Targets that did not come to the end: {hosts}",
        "closed.fail": "Not everything was applied: {refused} change(s) refused, {failed} failed, targets not finished: "
        "{hosts}. What was approved and possible has been applied. Details above and in {journal}.",
        "journal": "Journal: {journal}",
        "rollback_hint": "Roll back: rollback.yml (--check first), or -e care_run={run}",
        "nothing_done": "none",
        "task_failed": "{failed} of {total} change(s) were not made:",
        "status.conflict": "the value found is neither the old nor the new one: left alone",
        "status.failed": "failed",
        "status.unverified": "made perhaps, not verified",
        "status.irreversible": "irreversible",
        "guard.not_confirmed": "No new connection to {host} after this change ({reason}). "
        "The machine takes it back by itself (in {seconds} s at the latest).",
        "guard.short": "no new connection confirmed it",
        "guard.taken_back": "Seen: {host} took it back by itself.",
        "guard.unknown": "{host} does not answer yet: check on its console that it took the change back.",
        "rollback": "Rollback of run {run}",
        "rollback.check": "Rollback of run {run} (dry run)",
        "rollback.torn": "The journal has an incomplete line (line {lines}): what a killed process leaves, of no effect.",
        "rollback.none": "No run changed anything in {care_dir}: nothing to undo.",
        "rollback.counts": "{undone} undone, {nothing_to_undo} already as before, {conflict} left because someone else "
        "changed them, {irreversible} irreversible, {failed} failed, {pending} remaining.",
        "rollback.counts.check": "{undone} would be undone, {nothing_to_undo} already as before, {conflict} would be left "
        "because someone else changed them, {irreversible} irreversible, {failed} failed, {pending} not seen.",
        "rollback.conflict": "Changed by someone else since, left alone:",
        "rollback.irreversible": "Declared irreversible before they were applied, not undone:",
        "rollback.failed": "Failed:",
        "rollback.pending": "Not reached (target not in the inventory, not in --limit, or unreachable):",
        "rollback.older": "Earlier runs made changes too: {runs} (-e care_run=…).",
        "rollback.fail": "The rollback is not complete: {failed} failed, {pending} not reached. "
        "Remove the cause and run rollback.yml -e care_run={run} again.",
        "page.title": "Planned changes",
        "page.lead": "What the dry run found to change. Nothing was changed.",
        "page.approve": "To approve exactly this set",
        "page.created": "Made on",
        "page.digest": "Digest",
        "page.limit": "Limit of objects",
        "page.changes": "changes",
        "page.objects": "objects",
        "page.irreversible": "irreversible",
        "page.blocked": "As it is, this set will be refused",
        "page.host": "Target",
        "page.object": "Object",
        "page.attribute": "Attribute",
        "page.before": "Before",
        "page.after": "After",
        "page.controls": "Controls",
        "page.undo": "Rollback",
        "page.reversible": "yes",
        "page.not_reversible": "no",
        "page.side_effects": "The server will also change",
        "page.not_restored": "will not be restored",
        "page.details": "Details",
        "page.kind.flags": "flags",
        "page.kind.values": "values",
        "page.kind.replace": "value",
        "page.kind.aces": "permissions",
        "page.kind.owner": "owner",
        "page.kind.password": "password",
        "page.kind.object": "object",
        "page.kind.file": "file",
        "page.kind.service": "service",
        "page.kind.ruleset": "nftables ruleset",
        "page.empty": "Nothing to change: everything is as asked.",
    },
}


def texts(language: str) -> dict[str, str]:
    """All texts of a language. Raises ``ValueError`` for another language than ``fr`` or ``en``."""
    try:
        return _TEXTS[language]
    except KeyError:
        raise ValueError(f"care_language is {language!r}; it must be one of: {', '.join(LANGUAGES)}") from None


def say(language: str, key: str, **values: Any) -> str:
    """One text with its values filled in. Values are inserted as they are, never interpreted."""
    return texts(language)[key].format(**values)


def reason(language: str, code: str | None) -> str:
    """Why a change cannot be undone: the sentence of a code, or the text itself when it is none."""
    return texts(language).get(f"irreversible.{code}", code or "")
