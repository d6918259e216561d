"""The parts of contrib/bench: one file a job, one for each server."""
