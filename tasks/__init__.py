"""Prefect tasks, thin: one real-world action each."""
