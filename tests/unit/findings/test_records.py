# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress

from ansible_collections.care.remediation.plugins.module_utils.findings.records import normal_address
from hypothesis import given, settings
from hypothesis import strategies as st

OCTETS = st.sampled_from(["0", "1", "10", "255", "256", "010", "1 ", "²", "٣", "", "\0", "0x1"])
TEXTS = st.one_of(
    st.text("0123456789.: %abf\0²", max_size=24),
    st.lists(OCTETS, min_size=3, max_size=5).map(".".join),
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_the_quick_way_for_ipv4_says_what_ipaddress_says(text: str) -> None:
    try:
        address = ipaddress.ip_address(text.strip().split("%", 1)[0])
    except ValueError:
        expected = None
    else:
        expected = str(getattr(address, "ipv4_mapped", None) or address)
    assert normal_address(text) == expected
