"""How connections to the outside are made. Only `serve.outbound` imports this.

`addresses` says which addresses are public, `pinning` turns a URL into addresses that were checked, `client` sends one
request to one of them, `download` and `delivery` are the two typed ways to use it. `fetching` and `webhooks` are the
channels: they join these with the records.
"""
