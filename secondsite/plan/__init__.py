"""What people write (plans, estates), as frozen models; knows nothing of sites or runs."""
