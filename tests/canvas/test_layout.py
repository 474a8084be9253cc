"""Where cards, slots and lines lie on the canvas."""

import random
import re

from flows.layout import CARD, STUB, Picture, lay_out, rounded
from flows.tree import Box, Port, Way

NEXT = (Port("next"),)
YES_NO = (Port("vip", "VIP"), Port("else", "Everyone else"))


def chain(count: int) -> tuple[list[Box], list[Way]]:
    boxes = [Box(f"n{i}", NEXT, root=i == 0) for i in range(count)]
    return boxes, [Way(f"n{i}", "next", f"n{i + 1}") for i in range(count - 1)]


def bushy(count: int, seed: int) -> tuple[list[Box], list[Way]]:
    """Grow a tree of splits and steps in which some branches meet again."""
    chance = random.Random(seed)
    boxes, ways = [Box("n0", NEXT, root=True)], []
    open_ports = [("n0", "next")]
    for i in range(1, count):
        ports = YES_NO if chance.random() < 0.25 else NEXT
        boxes.append(Box(f"n{i}", ports))
        met = (
            chance.sample(open_ports, 2)
            if len(open_ports) > 3 and chance.random() < 0.2
            else [chance.choice(open_ports)]
        )
        for port in met:
            open_ports.remove(port)
            ways.append(Way(port[0], port[1], f"n{i}"))
        open_ports += [(f"n{i}", port.name) for port in ports]
    return boxes, ways


def by_key(picture: Picture) -> dict[str, tuple[int, int]]:
    return {card.key: (card.x, card.y) for card in picture.cards}


def overlapping(picture: Picture) -> list[tuple[str, str]]:
    cards = sorted(picture.cards, key=lambda card: card.y)
    return [
        (one.key, other.key)
        for i, one in enumerate(cards)
        for other in cards[i + 1 :]
        if abs(one.x - other.x) < CARD and other.y - one.y < picture.card_height
    ]


def test_an_empty_canvas_has_a_size() -> None:
    picture = lay_out([], [])
    assert picture.cards == []
    assert picture.width > 0
    assert picture.height > 0


def test_a_chain_is_one_straight_column_with_a_slot_below_each_card() -> None:
    picture = lay_out(*chain(4))
    assert len({card.x for card in picture.cards}) == 1
    assert [card.key for card in picture.cards] == ["n0", "n1", "n2", "n3"]
    assert all(len(card.slots) == 1 for card in picture.cards)
    for card, below in zip(picture.cards, picture.cards[1:], strict=False):
        assert card.y + picture.card_height < card.slots[0].y < below.y
        assert card.slots[0].target == below.key
    assert picture.cards[-1].slots[0].target == ""
    assert picture.cards[-1].slots[0].end_y > picture.cards[-1].slots[0].y
    assert all("Q" not in line.d for line in picture.lines), "a straight way has no corner"


def test_branches_stand_side_by_side_in_their_order_below_the_split_with_labels() -> None:
    boxes = [Box("start", NEXT, root=True), Box("split", YES_NO), Box("left"), Box("right")]
    ways = [Way("start", "next", "split"), Way("split", "vip", "left"), Way("split", "else", "right")]
    picture = lay_out(boxes, ways)
    at = by_key(picture)
    assert at["left"][1] == at["right"][1] > at["split"][1]
    assert at["left"][0] + CARD < at["right"][0]
    assert (at["left"][0] + at["right"][0]) / 2 == at["split"][0]
    split = next(card for card in picture.cards if card.key == "split")
    assert [slot.label for slot in split.slots] == ["VIP", "Everyone else"]
    assert all(split.y + picture.card_height < slot.label_y < slot.y < at["left"][1] for slot in split.slots)


def test_branches_that_meet_again_meet_below_the_split_they_came_from() -> None:
    boxes = [Box("start", NEXT, root=True), Box("split", YES_NO), Box("left"), Box("right"), Box("more"), Box("meet")]
    ways = [
        Way("start", "next", "split"),
        Way("split", "vip", "left"),
        Way("split", "else", "right"),
        Way("right", "next", "more"),
        Way("left", "next", "meet"),
        Way("more", "next", "meet"),
    ]
    picture = lay_out(boxes, ways)
    at = by_key(picture)
    assert at["meet"][0] == at["split"][0]
    assert at["meet"][1] > at["more"][1]
    ends = [line.d for line in picture.lines if line.target == "meet"]
    assert len(ends) == 2
    assert len({re.findall(r"L(\S+ \S+)$", d)[0] for d in ends}) == 1, "both arrive at the same point"


def test_an_empty_branch_that_leads_straight_to_the_meeting_takes_little_room() -> None:
    boxes = [Box("split", YES_NO, root=True), Box("left"), Box("meet")]
    ways = [Way("split", "vip", "left"), Way("left", "next", "meet"), Way("split", "else", "meet")]
    picture = lay_out(boxes, ways)
    split = picture.cards[0]
    assert split.slots[1].target == "meet"
    assert split.slots[1].x - split.slots[0].x < CARD + STUB


def test_a_way_back_up_ends_below_its_node_and_names_where_it_leads() -> None:
    boxes = [Box("start", NEXT, root=True), Box("wait"), Box("mail")]
    ways = [Way("start", "next", "wait"), Way("wait", "next", "mail"), Way("mail", "next", "wait")]
    picture = lay_out(boxes, ways)
    last = picture.cards[-1].slots[0]
    assert (last.back, last.target) == (True, "wait")
    assert overlapping(picture) == []


def test_a_node_that_nothing_leads_to_stands_to_the_right_and_is_marked() -> None:
    picture = lay_out([Box("start", NEXT, root=True), Box("lost")], [])
    start, lost = picture.cards
    assert not start.loose
    assert lost.loose
    assert lost.x > start.x + CARD


def test_an_edge_from_a_port_that_is_gone_is_still_drawn() -> None:
    picture = lay_out([Box("a", NEXT, root=True), Box("b")], [Way("a", "old", "b")])
    assert [slot.port for slot in picture.cards[0].slots] == ["next", "old"]


def test_two_hundred_nodes_with_joins_overlap_nowhere() -> None:
    for seed in range(12):
        boxes, ways = bushy(200, seed)
        picture = lay_out(boxes, ways, counts=True)
        assert len(picture.cards) == 200
        assert overlapping(picture) == []
        assert all(card.x >= 0 and card.x + CARD <= picture.width for card in picture.cards)
        assert all(card.y + picture.card_height <= picture.height for card in picture.cards)
        at = by_key(picture)
        assert all(at[way.target][1] > at[way.source][1] for way in ways), "every way leads down"


def test_a_thousand_nodes_in_one_chain_need_no_deep_recursion() -> None:
    assert len(lay_out(*chain(1500)).cards) == 1500


def test_the_same_graph_is_always_drawn_the_same() -> None:
    boxes, ways = bushy(60, 3)
    assert lay_out(boxes, ways) == lay_out(boxes, ways)


def test_corners_are_rounded_and_short_ways_are_not_overshot() -> None:
    assert rounded([(0, 0), (0, 40), (100, 40)]) == "M0 0L0 26Q0 40 14 40L100 40"
    assert rounded([(0, 0), (0, 10), (4, 10)]) == "M0 0L0 5Q0 10 2 10L4 10"
    assert rounded([(0, 0), (0, 0), (0, 9)]).endswith("L0 9")
