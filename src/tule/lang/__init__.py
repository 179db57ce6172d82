"""Small languages of AWS, one a room; pure, without AWS state."""
