"""Prefect flows, thin: walk the run graph; one file per operator's verb."""
