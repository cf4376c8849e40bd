"""One adapter for each third party. They know a payload and a wire, and nothing of records, storage or accounts.

Only `serve.egress`, which is reached from `serve.outbound` alone, imports this package.
"""
