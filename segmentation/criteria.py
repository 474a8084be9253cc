"""The criteria document: read, checked against what is known, and said in words; see docs on criteria."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from contacts.labels import speaking
from segmentation.catalogue import Catalogue
from segmentation.conditions import KINDS, Condition
from segmentation.given import Given
from segmentation.wording import joined
from workspace.clean import Unclean, check
from workspace.problems import Fault, Refused

MAX_DEPTH = 8
MAX_CONDITIONS = 200
GROUP_KEYS = {"operator", "conditions", "negate"}


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups joined by AND or OR."""

    operator: str
    negate: bool
    conditions: tuple["Node", ...]


Node = Group | Condition


@dataclass(frozen=True, slots=True)
class Criteria:
    """A document that was read: its tree, as it was written, and what may surprise about it."""

    root: Node
    document: dict[str, Any]
    warnings: list[Fault] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return the digest by which its rule is found."""
        canonical = json.dumps(self.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def reads(self) -> list[str]:
        """Return the facts it depends on; `contact` when somebody without any data would match."""
        facts = {fact for leaf in leaves(self.root) for fact in leaf.reads()} - {"contact"}
        return sorted(facts | ({"contact"} if True in blank(self.root) else set()))

    @property
    def clock(self) -> bool:
        """Tell whether time alone can change its answer."""
        return any(leaf.clock for leaf in leaves(self.root))

    @property
    def speaks_of(self) -> frozenset[str]:
        """Return what it wants to know of an enrollment: entry, node:<id>, trigger; nothing outside flows."""
        return frozenset(one for leaf in leaves(self.root) for one in leaf.speaks_of())


def given_in(criteria: Criteria, given: Given) -> Criteria:
    """Return criteria with what is known of one enrollment in place."""
    return replace(criteria, root=_given(criteria.root, given))


def _given(node: Node, given: Given) -> Node:
    if isinstance(node, Condition):
        return node.given(given)
    return replace(node, conditions=tuple(_given(one, given) for one in node.conditions))


def parse(document: Any, catalogue: Catalogue) -> Criteria:
    """Read a document; raise Refused with every fault and its path ("conditions[1].value")."""
    _refuse_unclean(document)
    faults: list[Fault] = []
    root = _read(document, "", 1, faults)
    if root is not None:
        for leaf, path in placed(root):
            faults.extend(_rooted(leaf.faults(catalogue, path)))
        if (size := sum(leaf.size() for leaf in leaves(root))) > MAX_CONDITIONS:
            faults.append(Fault("", f"The criteria have {size} conditions; at most {MAX_CONDITIONS} are taken."))
    if faults or root is None:
        raise Refused(faults[0].message if faults else "The criteria cannot be read.", faults)
    warnings = [one for leaf, path in placed(root) for one in _rooted(leaf.warnings(catalogue, path))]
    return Criteria(root, document, warnings)


def _rooted(faults: Iterator[Fault]) -> Iterator[Fault]:
    """Name the parts of a condition that is the whole document without a dot before them."""
    return (replace(one, path=one.path.removeprefix(".")) for one in faults)


def reread(document: dict[str, Any]) -> Criteria:
    """Read a document that was checked when it was saved."""
    faults: list[Fault] = []
    root = _read(document, "", 1, faults)
    if root is None or faults:
        raise Refused("A saved rule can no longer be read.", faults)
    return Criteria(root, document)


def words(criteria: Criteria) -> str:
    """Say a whole document in one English sentence."""
    return node_words(criteria.root)


def leaves(node: Node) -> Iterator[Condition]:
    """Yield every condition of a tree."""
    for leaf, _ in placed(node):
        yield leaf


def blank(node: Node) -> frozenset[bool]:
    """Return the answers that a contact without any data may get."""
    if isinstance(node, Condition):
        answers = node.blank()
    else:
        parts = [blank(one) for one in node.conditions]
        decisive = node.operator == "OR"  # one such answer decides the group
        some = any(decisive in part for part in parts)
        every = all((not decisive) in part for part in parts)
        answers = frozenset(([decisive] if some else []) + ([not decisive] if every else []))
    return frozenset(not one for one in answers) if node.negate else answers


def node_words(node: Node) -> str:
    """Say one part of a document."""
    said = node.words() if isinstance(node, Condition) else _group_words(node)
    return f"not ({said})" if node.negate else said


def _group_words(group: Group) -> str:
    return joined(group.operator, [_part_words(one) for one in group.conditions])


def _part_words(node: Node) -> str:
    """Say a part of a group, in brackets where its own words are joined too."""
    bare = isinstance(node, Condition) or node.negate or (speaking() and len(node.conditions) == 1)
    return node_words(node) if bare else f"({node_words(node)})"


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a document, tagged by `type`."""
    definitions: dict[str, Any] = {}
    for kind, condition in KINDS.items():
        schema = condition.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[kind] = {**schema, "title": condition.label, "examples": [condition.example]}
    any_of = [{"$ref": f"#/$defs/{name}"} for name in ("GROUP", *KINDS)]
    definitions["GROUP"] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["operator", "conditions"],
        "properties": {
            "operator": {"enum": ["AND", "OR"]},
            "conditions": {"type": "array", "minItems": 1, "maxItems": MAX_CONDITIONS, "items": {"anyOf": any_of}},
            "negate": {"type": "boolean", "default": False},
        },
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions, "anyOf": any_of}


def _refuse_unclean(document: Any) -> None:
    try:
        check(document)
    except Unclean as error:
        raise Refused(error.message, [Fault(error.path, error.message)], error.status) from error
    except RecursionError as error:
        raise Refused("The criteria are nested too deeply.") from error


def placed(node: Node, path: str = "") -> Iterator[tuple[Condition, str]]:
    """Yield every condition of a tree with its place in the document."""
    if isinstance(node, Condition):
        yield node, path
        return
    for index, inner in enumerate(node.conditions):
        yield from placed(inner, _below(path, f"conditions[{index}]"))


def _read(document: Any, path: str, depth: int, faults: list[Fault]) -> Node | None:
    if not isinstance(document, dict):
        faults.append(Fault(path, 'Write a group {"operator": "AND", "conditions": […]} or a condition with a "type".'))
        return None
    if depth > MAX_DEPTH:
        faults.append(Fault(path, f"Groups are nested more than {MAX_DEPTH} deep."))
        return None
    if "type" in document:
        return _condition(document, path, depth, faults)
    return _group(document, path, depth, faults)


def _group(document: dict[str, Any], path: str, depth: int, faults: list[Fault]) -> Group | None:
    before = len(faults)
    for key in document.keys() - GROUP_KEYS:
        faults.append(Fault(_below(path, key), f'A group has no "{key[:60]}"; a condition needs a "type".'))
    if document.get("operator") not in ("AND", "OR"):
        faults.append(Fault(_below(path, "operator"), 'Join the conditions of a group with "AND" or "OR".'))
    if not isinstance(document.get("negate", False), bool):
        faults.append(Fault(_below(path, "negate"), "Write true or false."))
    inner = document.get("conditions")
    if not isinstance(inner, list) or not inner:
        message = 'An empty group never means everyone. Add a condition, or say {"type": "EVERYONE"}.'
        faults.append(Fault(_below(path, "conditions"), message))
        return None
    if len(inner) > MAX_CONDITIONS:
        faults.append(
            Fault(
                _below(path, "conditions"), f"A group has {len(inner)} conditions; at most {MAX_CONDITIONS} are taken."
            )
        )
        return None
    read = [
        _read(one, _below(path, f"conditions[{index}]"), depth + (isinstance(one, dict) and "type" not in one), faults)
        for index, one in enumerate(inner)
    ]
    if len(faults) > before:
        return None
    return Group(document["operator"], document.get("negate", False), tuple(one for one in read if one is not None))


def _condition(document: dict[str, Any], path: str, depth: int, faults: list[Fault]) -> Condition | None:
    kind = document["type"]
    condition = KINDS.get(kind) if isinstance(kind, str) else None
    if condition is None:
        faults.append(Fault(_below(path, "type"), f"There is no such condition. Use one of {', '.join(KINDS)}."))
        return None
    if depth + _depth(document) - 1 > MAX_DEPTH:
        faults.append(Fault(path, f"Groups are nested more than {MAX_DEPTH} deep."))
        return None
    try:
        return condition.model_validate(document)
    except ValidationError as error:
        faults.extend(_fault(one, path) for one in error.errors(include_url=False, include_context=False))
        return None


def _depth(value: Any) -> int:
    """Count how deep groups are nested in the filters of a condition."""
    if isinstance(value, dict):
        return max((_depth(one) for one in value.values()), default=0) + ("conditions" in value or "type" in value)
    return max((_depth(one) for one in value), default=0) if isinstance(value, list) else 0


_TAGS = {"group", "comparison"}  # pydantic names the branch it took; the document has no such level


def _fault(error: Any, path: str) -> Fault:
    where = path
    for part in error["loc"]:
        if part in _TAGS:
            continue
        where = f"{where}[{part}]" if isinstance(part, int) else _below(where, str(part)[:60])
    if error["type"] == "extra_forbidden":
        return Fault(where, "There is no such part of this condition; take it out.")
    if error["type"] == "missing":
        return Fault(where, "This part is needed.")
    return Fault(where, f"{error['msg'].rstrip('.')}.")


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
