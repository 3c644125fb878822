"""Moves for people, in the terminal."""

from functions.cli.output.console import bold, new_table, print_table, terminal
from functions.cli.output.text import print_text
from pipeline.runs.moves.phrases import (
    expected_line,
    headline,
    main_feature,
    size_line,
    verdict_line,
)
from pipeline.runs.moves.result import Moves, Share

_MOST = 10
"""Ways that are shown."""


def show_moves(moves: Moves) -> None:
    """Print who moved where, and why."""
    print_text(headline(moves), bold=True)
    print_text(size_line(moves))
    for line in filter(None, (verdict_line(moves), expected_line(moves))):
        print_text(line)
    for note in moves.notes:
        print_text(f"Note: {note}")
    _show_matrix(moves)
    if moves.transitions:
        _show_transitions(moves)
    _show_groups(moves)
    if moves.listed is not None:
        some = "customer" if moves.listed == 1 else "customers"
        print_text(f"{moves.listed:,} {some} on the list")


def _show_matrix(moves: Moves) -> None:
    clusters = [str(group.cluster) for group in moves.groups]
    table = new_table("From \\ to", *clusters)
    for old, group in enumerate(moves.groups):
        cells = []
        for new, customers in enumerate(moves.counts[old]):
            share = moves.share(old, new)
            cells.append(f"{customers:,}" + (f" ({share[0]:.1%})" if share else ""))
        table.add_row(str(group.cluster), *cells)
    terminal().print(table)


def _show_transitions(moves: Moves) -> None:
    out = terminal()
    why = ["Feature"] if moves.features else []
    table = new_table("Way", "Customers", "Share of the old group (95 % interval)", "Risk", *why)
    for each in moves.transitions[:_MOST]:
        way = {1: "up", -1: "down", 0: "–"}[each.direction]
        cells = [f"{each.old} → {each.new}", f"{each.customers:,}", _share(each.share), way]
        table.add_row(*cells, *([main_feature(moves, each.features)] if why else []))
    out.print(table)
    more = len(moves.transitions) - _MOST
    if more > 0:
        ways = "way" if more == 1 else "ways"
        out.print(bold(f"{more} more {ways}, with fewer customers\n", ""))


def _show_groups(moves: Moves) -> None:
    table = new_table("Group", "Name", "Churn rate", "Then", "Now", "Moved out", "Moved in",
                      "Came", "Went")  # fmt: skip
    for group in moves.groups:
        rate = "–" if group.rate_after is None else f"{group.rate_after:.1%}"
        counts = (group.before, group.after, group.left_it, group.joined_it, group.came, group.went)
        table.add_row(str(group.cluster), group.name, rate, *(f"{count:,}" for count in counts))
    print_table(terminal(), table)


def _share(share: Share) -> str:
    return f"{share[0]:.1%} ({share[1]:.1%} to {share[2]:.1%})"
