"""Where everything on the canvas lies: a flow's graph as cards, + slots, branch labels and lines, in pixels.

Pure: no database, no node kinds. A node hangs below the node that every way to it passes (its dominator), so branches
stand side by side and a node where they meet again lies below all of them, under the split they came from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flows.tree import Box, Port, Tree, Way

CARD = 256  # width of a card
HEIGHT = 76  # height of a card without its counts
COUNTS = 28  # height of the strip of counts
STUB = 168  # width of a branch that holds no card yet
SIDE = 40  # between branches
GAP = 72  # below a card with one way out
BRANCH = 128  # below a card with several
BUS = 28  # how far below a card its ways part, and above a card ways meet
LABEL = 54  # where a branch's label hangs
TAIL = 52  # from an open slot to the end below it
MEET = 56  # between branches and the card where they meet
MARGIN = 72
ROUND = 14  # radius of a corner


@dataclass(slots=True)
class Slot:
    """A place for one more node; `target` is empty at an open port, `back` says that the way leads up again."""

    source: str
    port: str
    x: int
    y: int
    label: str = ""
    label_y: int = 0
    target: str = ""
    back: bool = False
    end_y: int = 0


@dataclass(slots=True)
class Card:
    """A node with its place (left top corner) and the slots of its ways out."""

    key: str
    x: int
    y: int
    loose: bool = False
    slots: list[Slot] = field(default_factory=list)

    @property
    def middle(self) -> int:
        """Return where ways come in and go out."""
        return self.x + CARD // 2


@dataclass(frozen=True, slots=True)
class Line:
    """A connector as the d of an SVG path."""

    source: str
    port: str
    target: str
    d: str


@dataclass(slots=True)
class Picture:
    """The whole canvas: cards in reading order, lines, size."""

    cards: list[Card]
    lines: list[Line]
    width: int
    height: int
    card_height: int

    @property
    def slots(self) -> list[Slot]:
        """Return every slot in reading order."""
        return [slot for card in self.cards for slot in card.slots]


@dataclass(slots=True)
class _Block:
    """A node with everything below it: how far it reaches left and right of its axis, and how tall it is."""

    left: int
    right: int
    height: int
    columns: list[tuple[Port, str, str]] = field(default_factory=list)  # port, target, "child" "join" "back" "open"
    at: list[int] = field(default_factory=list)  # axis of each column beside the node's
    joins: list[tuple[str, int]] = field(default_factory=list)  # node, how far below this node's top


def lay_out(boxes: Sequence[Box], ways: Iterable[Way], *, counts: bool = False) -> Picture:
    """Place every node; those that no way from the trigger leads to stand to the right, marked loose."""
    graph = Tree(boxes, ways)
    tall = HEIGHT + (COUNTS if counts else 0)
    blocks: dict[str, _Block] = {}
    for key in reversed(graph.order):
        blocks[key] = _block(graph, key, blocks, tall)
    cards: dict[str, Card] = {}
    edge = MARGIN
    for root in graph.roots:
        _place(graph, blocks, cards, root, edge + blocks[root].left, tall)
        edge += blocks[root].left + blocks[root].right + 2 * SIDE
    height = 2 * MARGIN + max((blocks[root].height for root in graph.roots), default=0)
    width = max(edge - 2 * SIDE, MARGIN) + MARGIN
    return Picture(list(cards.values()), _lines(cards, tall), width, height, tall)


def _block(graph: Tree, key: str, blocks: dict[str, _Block], tall: int) -> _Block:
    """Measure a node with all that hangs below it, from the blocks of those below."""
    block = _Block(CARD // 2, CARD // 2, tall)
    ports = graph.ports[key]
    sides: list[tuple[int, int]] = []
    deepest = 0
    for port in ports:
        target = graph.out[key].get(port.name, "")
        sort = graph.sort_of(key, target)
        block.columns.append((port, target, sort))
        one = blocks[target] if sort == "child" else _Block(STUB // 2, STUB // 2, 0 if sort == "join" else TAIL)
        sides.append((one.left, one.right))
        deepest = max(deepest, one.height)
    if ports:
        block.at = _spread(sides)
        block.left = max(block.left, sides[0][0] - block.at[0])
        block.right = max(block.right, sides[-1][1] + block.at[-1])
        block.height += (BRANCH if len(ports) > 1 else GAP) + deepest
    for join in graph.meets.get(key, []):
        below = blocks[join]
        block.joins.append((join, block.height + MEET))
        block.height += MEET + below.height
        block.left, block.right = max(block.left, below.left), max(block.right, below.right)
    return block


def _spread(sides: Sequence[tuple[int, int]]) -> list[int]:
    """Return the axis of each column beside that of the node above, which stands over the middle of them all."""
    axes = [0]
    for (_, right), (left, _) in pairwise(sides):
        axes.append(axes[-1] + right + SIDE + left)
    middle = (axes[0] + axes[-1]) // 2
    return [axis - middle for axis in axes]


def _place(graph: Tree, blocks: dict[str, _Block], cards: dict[str, Card], root: str, axis: int, tall: int) -> None:
    """Give a root and all below it their places, in reading order."""
    loose = not graph.boxes[root].root
    stack = [(root, axis, MARGIN)]
    while stack:
        key, x, y = stack.pop()
        block = blocks[key]
        card = cards[key] = Card(key, x - CARD // 2, y, loose)
        several = len(block.columns) > 1
        below = [(join, x, y + depth) for join, depth in block.joins]
        first = y + tall + (BRANCH if several else GAP)
        for (port, target, sort), at in zip(block.columns, block.at, strict=True):
            slot = Slot(key, port.name, x + at, first - GAP // 2, port.label or port.name if several else "")
            slot.target, slot.back, slot.label_y = target, sort == "back", y + tall + LABEL
            slot.end_y = slot.y + TAIL - 14 if sort in ("open", "back") else 0
            card.slots.append(slot)
        children = [
            (t, x + at, first) for (_, t, sort), at in zip(block.columns, block.at, strict=True) if sort == "child"
        ]
        stack.extend([*below[::-1], *children[::-1]])


def _lines(cards: dict[str, Card], tall: int) -> list[Line]:
    lines = []
    for card in cards.values():
        for slot in card.slots:
            way = [(card.middle, card.y + tall)]
            if slot.x != card.middle:
                way += [(card.middle, card.y + tall + BUS), (slot.x, card.y + tall + BUS)]
            if slot.target and not slot.back:
                way += _arrive(slot, cards[slot.target])
            else:
                way.append((slot.x, slot.end_y))
            lines.append(Line(slot.source, slot.port, slot.target, rounded(way)))
    return lines


def _arrive(slot: Slot, target: Card) -> list[tuple[int, int]]:
    end = (target.middle, target.y)
    return [end] if slot.x == target.middle else [(slot.x, target.y - BUS), (target.middle, target.y - BUS), end]


def rounded(points: Sequence[tuple[int, int]]) -> str:
    """Return the path through these points with every corner rounded."""
    d = f"M{points[0][0]} {points[0][1]}"
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _toward(here, before), _toward(here, after)
        d += f"L{into[0]} {into[1]}Q{here[0]} {here[1]} {out[0]} {out[1]}"
    return d + f"L{points[-1][0]} {points[-1][1]}"


def _toward(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    far = abs(dx) + abs(dy)
    reach = min(ROUND, far // 2)
    return (corner[0] + dx * reach // far, corner[1] + dy * reach // far) if far else corner
