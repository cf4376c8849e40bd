"""Tests of promises: each fails where the enforcement of its promise is gone, which `make promises` proves."""
