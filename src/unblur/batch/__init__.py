"""Lists and folders of photos and videos, done by several threads and resumed after a kill."""
