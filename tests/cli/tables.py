"""Tables as commands write them."""

import csv


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))
