"""What runs in spawner, zygote and instance processes: standard library only, Python 3.8 and later, one thread, no tule imports."""
