# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What columns and values of French and English audit tables usually mean: guesses, for a person to check.

All words are as ``tables.fold`` makes them: lower case, without accents.
"""

from __future__ import annotations

import re
from typing import Final

from .readers.tables import fold

# Field to the names of columns that mean it; the better ones first.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "rule": (
        *("plugin id", "rule id", "check id", "qid", "nvt oid", "identifiant", "id vulnerabilite", "id constat", "id"),
        *("reference", "ref", "ref.", "n°", "no", "numero", "num", "code", "rule", "regle", "check", "plugin"),
        *("vulnerability id", "vuln id", "finding id", "ruleid", "checkid", "identifier", "template-id", "signature"),
    ),
    "title": (
        *("vulnerabilite", "vulnerability", "intitule", "titre", "title", "nom de la vulnerabilite", "faille"),
        *("constat", "finding", "faiblesse", "weakness", "anomalie", "libelle", "point de controle", "non-conformite"),
        *("vulnerability name", "vulnerabilites", "probleme", "name", "nom", "label", "summary", "indicator"),
    ),
    "wording": (
        *("description", "descriptif", "detail", "details", "observation", "observations", "constatation"),
        *("synopsis", "resume", "threat", "commentaire", "commentaires", "impact", "consequence", "consequences"),
        *("scenario", "message", "explication"),
    ),
    "solution": (
        *("recommandation", "recommandations", "recommendation", "recommendations", "preconisation", "preconisations"),
        *("remediation", "solution", "correction", "action corrective", "actions correctives", "mesure", "mesures"),
        *("action recommandee", "mitigation", "fix", "resolution", "plan d'action", "action", "actions"),
    ),
    "output": (
        "preuve",
        "preuves",
        "evidence",
        "proof",
        "resultat",
        "resultats",
        "result",
        "results",
        "output",
        "sortie",
    ),
    "references": ("references", "liens", "lien", "links", "see also", "urls", "sources"),
    "host": (
        *("hote", "host", "nom d'hote", "hostname", "host name", "nom de la machine", "machine", "serveur", "server"),
        *(
            "actif",
            "actifs",
            "asset",
            "assets",
            "equipement",
            "equipements",
            "equipements concernes",
            "cible",
            "target",
        ),
        *("actifs concernes", "composant", "composants", "composant impacte", "composants impactes", "fqdn", "dns"),
        *("nom dns", "dns name", "device", "devicename", "computer", "poste", "postes", "systeme", "systemes", "url"),
        *("ressource", "ressources", "application", "hotes", "serveurs", "machines", "element", "elements concernes"),
    ),
    "address": (
        "adresse ip",
        "ip",
        "ip address",
        "adresse",
        "address",
        "@ip",
        "adresses ip",
        "ipv4",
        "ips",
        "adresses",
    ),
    "domain": ("domaine", "domain", "domaine ad", "domaine active directory", "ad domain", "active directory", "foret"),
    "port": ("port", "ports", "port/protocole", "port/protocol", "port number", "numero de port", "ports concernes"),
    "protocol": ("protocole", "protocol", "port protocol", "transport", "proto"),
    "service": ("service", "service name", "nom du service"),
    "object": ("compte", "comptes", "account", "objet", "object", "utilisateur", "user", "groupe", "group", "dn"),
    "severity": (
        *("gravite", "severite", "severity", "criticite", "criticality", "niveau de gravite", "niveau de risque"),
        *("niveau de criticite", "risque", "risk", "risk factor", "risk level", "niveau", "level", "priorite"),
        *("priority", "importance", "impact global", "cotation", "threat level"),
    ),
    "cvss": (
        *("cvss", "score cvss", "cvss score", "note cvss", "cvss v3", "cvss v3.1", "cvss3", "cvss base score"),
        *("cvss v3.0 base score", "base score", "score", "note"),
    ),
    "cvss_vector": ("vecteur cvss", "cvss vector", "vecteur", "vector"),
    "epss": ("epss", "epss score", "score epss"),
    "kev": ("kev", "cisa kev", "exploited", "exploite"),
    "cve": ("cve", "cves", "cve id", "cve ids", "cveid", "cve(s)", "numero cve", "identifiant cve"),
    "cwe": ("cwe", "cwe id", "cwes"),
    "status": (
        *("statut", "status", "etat", "state", "avancement", "etat d'avancement", "etat de correction", "suivi"),
        *("statut de correction", "vuln status", "statut de remediation"),
    ),
    "date": (
        *("date de detection", "date du constat", "date", "detecte le", "constate le", "timestamp", "last seen"),
        *("derniere detection", "date d'audit", "date du scan", "last detected", "vu le", "scan date", "lastseen"),
    ),
    "first_seen": (
        *("premiere detection", "first seen", "first detected", "date de decouverte", "decouvert le", "ouvert le"),
        *("date d'ouverture", "firstseen"),
    ),
}

# Words of a severity to our grade. The scale of PASSI reports is mineure, importante, majeure, critique.
GRADES: Final[dict[str, str]] = {
    word: grade
    for grade, words in (
        ("critical", "critique critiques critical bloquant bloquante extreme urgent urgente p0 vital"),
        ("high", "eleve elevee haut haute fort forte high majeur majeure grave severe important serious p1"),
        ("medium", "moyen moyenne modere moderee medium moderate importante significatif significative p2 warning"),
        ("low", "faible bas basse mineur mineure low limite limitee minime minor negligeable p3"),
        (
            "info",
            "information informations info informationnel informationnelle informative none aucun aucune neant log",
        ),
        ("info", "observation remarque informational ig debug note"),
    )
    for word in words.split()
}
_VERY: Final = frozenset(("tres", "very"))
# Words of a status that mean that it is corrected.
_CLOSED: Final = """
corrige corrigee corriges corrigees ferme fermee clos close closed cloture cloturee fixed resolu resolue resolved fait
faite done termine terminee remediated mitigated corrected solved ok conforme traite traitee
"""
CLOSED: Final = frozenset(_CLOSED.split())
# What a person may well mean as closed, or not.
_DOUBTFUL: Final = "accepte acceptee accepted faux false positive positif ignore waived derogation risk-accepted"
DOUBTFUL: Final = frozenset(_DOUBTFUL.split())
_NEGATED: Final = re.compile(r"\b(?:non|not|pas|a|en|partiellement|partially|in|re)\b")

# What a title says, to the control that it most likely is; all of the words, or alternatives with |.
CONTROLS: Final[tuple[tuple[str, str], ...]] = (
    (r"\btelnet\b", "expo_telnet"),
    (r"\bftp\b", "expo_ftp"),
    (r"\bredis\b", "expo_redis_unauthenticated"),
    (r"\bpostgres(?:ql)?\b", "expo_postgresql_public"),
    (r"\bssh\b.*\broot\b|\broot\b.*\bssh\b", "expo_ssh_root_password"),
    (r"\bssh\b.*\b(?:mots? de passe|password)\b", "expo_ssh_password"),
    (r"\btls ?v?1\.[01]\b|\bssl ?v?[23](?:\.0)?\b|\b(?:tls|ssl) (?:obsolete|deprecated)", "expo_tls_obsolete"),
    (r"\bkrbtgt\b", "vuln_krbtgt"),
    (r"pre-?authenti|\bas-?rep\b", "vuln_kerberos_properties_preauth"),
    (r"n'expirent? (?:jamais|pas)|never expires?|sans expiration|dont.expire", "vuln_dont_expire"),
    (r"\b(?:compte|account)s? (?:dormant|inactif|inactive|inutilise)", "vuln_user_accounts_dormant"),
    (r"\b(?:compte invite|guest account)\b", "vuln_guest"),
    (r"machine ?account ?quota|ms-ds-machineaccountquota", "vuln_user_accounts_machineaccountquota"),
    (r"\bprotected users\b", "vuln_protected_users"),
    (r"delegation (?:kerberos )?non (?:contrainte|restreinte)|unconstrained delegation", "vuln_delegation_t4d"),
    (r"\bdsheuristics\b", "vuln_dsheuristics_bad"),
    (r"kerberoast", "vuln_spn_priv"),
)


def field_of(column: str) -> tuple[str, int] | None:
    """The field that a column most likely is, and how sure that is: 3 its very name, 2 a name with more words, 1 only
    a word in it. None: no idea."""
    folded = fold(column).strip(" :*")
    spaced = fold(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/]+", " ", column)).strip(" :*")
    best: tuple[int, int, str] | None = None
    for field, names in COLUMNS.items():
        for order, name in enumerate(names):
            if name in (folded, spaced):
                sure = 3
            elif len(name) > 3 and re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", spaced):
                sure = 2 if spaced.startswith(name) else 1
            else:
                continue
            score = (sure, len(name) * 100 - order)
            if best is None or score > best[:2]:
                best = (*score, field)
    return None if best is None else (best[2], best[0])


def grade_of(value: str) -> tuple[str, bool] | None:
    """The grade that a severity's text most likely is, and whether that is sure. None: no idea."""
    words = re.findall(r"[a-z0-9]+", fold(value))
    found = list(dict.fromkeys(GRADES[word] for word in words if word in GRADES))
    if len(found) != 1:
        return (found[0], False) if found else None
    grade = found[0]
    if grade == "high" and _VERY & set(words):
        grade = "critical"
    named = [word for word in words if word in GRADES]
    return grade, "important" not in named and "importante" not in named and "urgent" not in named


def closed(value: str) -> tuple[bool, bool]:
    """Whether a status most likely means corrected, and whether that is sure."""
    folded = fold(value)
    words = set(re.findall(r"[a-z]+", folded))
    if words & DOUBTFUL:
        return False, False
    if not words & CLOSED:
        return False, True
    return (False, False) if _NEGATED.search(folded) else (True, True)


def control_of(title: str) -> str | None:
    """The control that a title most likely is; None: no idea."""
    folded = fold(title[:500])
    return next((control for pattern, control in CONTROLS if re.search(pattern, folded)), None)
