"""Seconds of processor time that Cedar takes for a decision. Arguments: a file of policies, one of calls, how many decisions."""
import json
import sys
import time

from cedarpy import is_authorized_batch

policies = open(sys.argv[1]).read()
calls = json.load(open(sys.argv[2]))
requests = [
    {
        "principal": f'Client::"{client}"',
        "action": 'Action::"call"',
        "resource": 'Server::"ledger"',
        "context": {"tool": tool, "address": {"__extn": {"fn": "ip", "arg": "10.1.2.3"}}},
    }
    for client, tool in calls
]
requests = (requests * (int(sys.argv[3]) // len(requests) + 1))[: int(sys.argv[3])]
start = time.process_time()
results = is_authorized_batch(requests, policies, [])
spent = time.process_time() - start
refused = [r for r in results if not r.allowed]
if refused:
    sys.exit(f"{len(refused)} of {len(results)} calls were refused: {refused[0].diagnostics.errors}")
print(spent / len(results))
