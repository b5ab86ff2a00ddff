"""From a plan's jobs to pieces of work, and from answers to results: what a driver and its workers share."""
