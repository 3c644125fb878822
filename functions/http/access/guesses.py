"""Wrong keys, counted by the address they come from: so that nobody may guess as fast as he can."""

from collections import OrderedDict

from functions.http.access.rates import TokenBucket
from functions.settings.clients import Rate

GUESSES = Rate(30, 60)
"""So many wrong keys an address may send at once, and in so many seconds again."""
ADDRESSES = 4_096
"""So many addresses are remembered, and as many pairs of an address and a key that was right."""
_GROUPS = 4
"""Of an IPv6 address: what is behind them, one host may choose."""


class Guesses:
    """Who sent wrong keys lately.

    An address that sent too many has to wait with every key, but for those that it sent rightly
    before: so one wrong program behind a proxy does not shut out the others there.
    """

    def __init__(self) -> None:
        self.right: set[tuple[str, bytes]] = set()
        """Addresses, with the hashes of keys that were right from there."""
        self._wrong: OrderedDict[str, TokenBucket] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """How many seconds an address has to wait before another key of its is looked at."""
        bucket = self._wrong.get(network_of(address)) if self._wrong else None
        return bucket.wait(now) if bucket else 0.0

    def remember_right(self, address: str, digest: bytes) -> None:
        """Remember that a key was right."""
        if len(self.right) >= ADDRESSES:
            self.right.clear()
        self.right.add((address, digest))

    def count_wrong(self, address: str, now: float) -> None:
        """Count a wrong key."""
        network = network_of(address)
        bucket = self._wrong.get(network)
        if bucket is None:
            bucket = self._wrong[network] = TokenBucket(GUESSES, now)
            if len(self._wrong) > ADDRESSES:
                self._wrong.popitem(last=False)
        self._wrong.move_to_end(network)
        bucket.take(now)


def network_of(address: str) -> str:
    """The address, or of an IPv6 address the network that one customer of a provider has."""
    if ":" not in address:
        return address
    import ipaddress

    try:
        whole = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    inside = getattr(whole, "ipv4_mapped", None)
    return str(inside) if inside else ":".join(whole.exploded.split(":")[:_GROUPS])
