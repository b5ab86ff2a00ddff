"""`harness study`: recipes x seeds x tasks, each checkpoint trained as by `harness train` and read as by `harness
eval`."""
