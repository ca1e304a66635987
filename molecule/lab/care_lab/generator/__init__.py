# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A generator of French hospital domains: the same seed gives the same domain.

``python -m care_lab.generator --accounts 300 --seed 1 --format json`` needs Python alone. ``--format samba`` fills the
Samba domain of the machine it runs on. No person of this domain exists.
"""
