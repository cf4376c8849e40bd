"""What proves promises: the list, the mutants, the rule, the page. `tests.promises.plugin` joins it to pytest."""
