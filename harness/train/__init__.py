"""One training loop, for intermediate tasks and for fine-tuning on English target data."""
