"""Every mutant, by theme. A module put here is found by itself; see `tests.promises.harness.mutation`."""
