"""The barest client worth comparing with: ``python -m tests.bench.bare_client ADDRESS COUNT``.

One ``httpx`` client, one connection, and of each answer the status and one value of its JSON. No evidence.
"""

import sys

import httpx

if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for number in range(int(sys.argv[2])):
            answer = client.get(f"/item/{number}")
            if answer.status_code != httpx.codes.OK or answer.json()["status"] != "completed":
                sys.exit(f"request {number} was not answered as it should have been")
