"""What each file format needs beyond libvips: told by content, written back with all its tags."""
