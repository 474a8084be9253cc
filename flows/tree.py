"""A flow's graph as a reader sees it: an order in which every way leads on, and who hangs below whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """A way out of a node; its label is shown where a node has several."""

    name: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A node as the layout sees it."""

    key: str
    ports: tuple[Port, ...] = (Port("next"),)
    root: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """An edge: from a port of a node to another node."""

    source: str
    port: str
    target: str


class Tree:
    """The graph sorted so that every way leads on, with its ways back, and who hangs below whom."""

    def __init__(self, boxes: Sequence[Box], ways: Iterable[Way]) -> None:
        self.boxes = {box.key: box for box in boxes}
        self.out: dict[str, dict[str, str]] = {key: {} for key in self.boxes}
        for way in ways:
            if way.source in self.boxes and way.target in self.boxes:
                self.out[way.source][way.port] = way.target
        self.ports = {key: self._ports(key) for key in self.boxes}
        self.back: set[tuple[str, str]] = set()
        self.roots, self.order = self._sort()
        self.rank = {key: at for at, key in enumerate(self.order)}
        self.into = dict.fromkeys(self.boxes, 0)
        for key in self.order:
            for target in self.ahead(key):
                self.into[target] += 1
        self.above = self._dominators()
        self.roots += [key for key in self.order if not self.above[key] and key not in self.roots]
        self.meets: dict[str, list[str]] = {}
        for key in self.order:
            if self.into[key] > 1 and self.above[key]:
                self.meets.setdefault(self.above[key], []).append(key)

    def _ports(self, key: str) -> list[Port]:
        """Return the declared ways out, and those an edge uses although the node no longer has them."""
        declared = list(self.boxes[key].ports)
        known = {port.name for port in declared}
        return declared + [Port(name, name) for name in self.out[key] if name not in known]

    def _targets(self, key: str) -> list[str]:
        return [self.out[key][port.name] for port in self.ports[key] if port.name in self.out[key]]

    def ahead(self, key: str) -> list[str]:
        """Return where the ways out lead, without the ways back up."""
        return [target for target in self._targets(key) if (key, target) not in self.back]

    def _sort(self) -> tuple[list[str], list[str]]:
        reached = {target for ways in self.out.values() for target in ways.values()}
        first = [box.key for box in self.boxes.values() if box.root]
        heads = [key for key in self.boxes if key not in reached and key not in first]
        roots: list[str] = []
        done: list[str] = []
        state: dict[str, str] = {}
        for start in [*first, *heads, *self.boxes]:
            if start not in state:
                roots.append(start)
                self._visit(start, state, done)
        return roots, done[::-1]

    def _visit(self, start: str, state: dict[str, str], done: list[str]) -> None:
        """Walk depth first without recursion; what leads to a node still open leads back."""
        stack = [(start, iter(self._targets(start)[::-1]))]
        state[start] = "open"
        while stack:
            key, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                state[key] = "done"
                done.append(key)
                stack.pop()
            elif target not in state:
                state[target] = "open"
                stack.append((target, iter(self._targets(target)[::-1])))
            elif state[target] == "open":
                self.back.add((key, target))

    def _dominators(self) -> dict[str, str]:
        """Return for each node the nearest node that every way to it passes; "" stands above the roots."""
        above: dict[str, str] = dict.fromkeys(self.roots, "")
        for key in self.order:
            for target in self.ahead(key):
                above[target] = self._meet(above, above[target], key) if target in above else key
        return above

    def _meet(self, above: dict[str, str], one: str, other: str) -> str:
        while one != other:
            if not one or not other:
                return ""
            if self.rank[one] > self.rank[other]:
                one = above[one]
            else:
                other = above[other]
        return one

    def sort_of(self, key: str, target: str) -> str:
        """Say what a way out is: "open", "back" up, a branch's own "child", or a "join" further down."""
        if not target:
            return "open"
        if (key, target) in self.back:
            return "back"
        return "child" if self.into[target] == 1 else "join"
