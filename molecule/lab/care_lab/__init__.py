# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab: a fictitious hospital in containers, for the demo, the tests and the benchmarks.

Standard library only: it runs before anything is installed.
"""
