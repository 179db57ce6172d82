"""Where delivery streams deliver to: what is configured (`settings`), and bringing it there."""
