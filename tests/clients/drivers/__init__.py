"""Programs of a user: they know one SDK and the standard library, and run in the SDK's own environment.

Each file is one group of calls and ends with an error if a call does anything but what is expected of it.
"""
