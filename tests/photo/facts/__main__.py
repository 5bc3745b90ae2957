from tests.photo.facts import table

print(table(), end="")
