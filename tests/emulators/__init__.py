"""Providers of video models, emulated: real HTTP servers that speak the vendors' wire formats and refuse all else.

Each is an `Emulator`: give it to `serving` and it listens on loopback, notes every byte that comes, and misbehaves as
its script says. Tests use them, and so does whoever wants to see a recipient work without an account there:
``python -m tests.emulators kling``.
"""
