"""100,000 look-ups over HTTP, 1 % of them malformed: statuses, and memory as it goes.

.venv/bin/python -m benchmarks.soak --requests 1000000
"""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence

from benchmarks.http import APPS, CUSTOMER, Server, server

CONNECTIONS = 16
PARTS = 10
MALFORMED = (
    b"",
    b"{",
    b'{"Total_Trans_Ct": NaN}',
    b'{"a": 1, "a": 2}',
    b"[" * 5_000,
    b'{"Total_Trans_Ct": 1e999}',
    b"\xff\xfe",
    json.dumps({**CUSTOMER, "Total_Trans_Ct": "many"}).encode(),
    json.dumps({**CUSTOMER, "note": "x" * 2_000_000}).encode(),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print statuses and memory, and end with an error where one is of 5xx."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=100_000)
    requests = parser.parse_args(arguments).requests
    with server(APPS["ours"]) as started:
        seen: Counter[int] = Counter()
        memory = []
        for part in range(PARTS):
            seen += asyncio.run(volley(started, requests // PARTS, part))
            memory.append(started.memory())
            print(f"{sum(seen.values()):>9,} requests  {memory[-1]:6.1f} MB resident", flush=True)
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.items()))
    failed = sum(count for status, count in seen.items() if status >= 500)
    grown = memory[-1] / memory[0] - 1
    print(f"statuses {statuses}; of 5xx {failed}; memory {grown:+.1%} from the first tenth on")
    sys.exit(1 if failed else 0)


async def volley(target: Server, requests: int, seed: int) -> Counter[int]:
    """Send requests over several connections; return how often each status came back."""
    counts = [requests // CONNECTIONS + (i < requests % CONNECTIONS) for i in range(CONNECTIONS)]
    statuses: Counter[int] = Counter()
    senders = (
        send_all(target.port, count, random.Random(1_000 * seed + index), statuses)
        for index, count in enumerate(counts)
    )
    await asyncio.gather(*senders)
    return statuses


async def send_all(port: int, count: int, rng: random.Random, statuses: Counter[int]) -> None:
    """Send requests over one connection, one after the other, and count the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        body = json.dumps({**CUSTOMER, "Total_Trans_Amt": rng.uniform(0, 20_000)}).encode()
        if rng.random() < 0.01:
            body = rng.choice(MALFORMED)
        head = (
            "POST /v1/assign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status, close = await answer(reader)
        statuses[status] += 1
        if close:  # a body that is too large is not read to its end
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of the next answer, and whether the server closes the connection after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0])
    await reader.readexactly(length)
    return int(head.split()[1]), "connection: close" in head


if __name__ == "__main__":
    main()
