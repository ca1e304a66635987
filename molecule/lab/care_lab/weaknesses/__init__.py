# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every weakness of ANSSI's list that a Samba domain can hold, added to the generated domain after its provisioning.

``making`` writes, one module for each kind of thing says what, and each weakness is noted with the filter or the entry
by which Samba's own tools show it: that record judges an audit. ``cannot`` says what a Samba domain cannot hold.
"""
