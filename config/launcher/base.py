"""Whether a base is just as this very code made it ready, asked in one statement: then a start need not prepare it again.

A program of its own, `python -m config.launcher.base`: it needs psycopg, and the launcher imports nothing installed.
"""

import hashlib
import json
import os

import psycopg

from config.launcher.home import PROJECT

FLOORS = ("workspace", "contacts", "segmentation", "messaging", "flows", "config")
# Everything that `manage.py bootstrap` makes. A base that was swapped, restored or emptied answers otherwise.
_LOOK = """
SELECT md5(concat_ws(E'\\n',
    (SELECT string_agg(app || '.' || name, ',' ORDER BY app, name) FROM django_migrations),
    (SELECT string_agg(concat_ws('.', p.id, t.app_label, p.codename), ',' ORDER BY p.id)
     FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id),
    (SELECT string_agg(concat_ws(':', g.name, h.permission_id), ',' ORDER BY g.name, h.permission_id)
     FROM auth_group g LEFT JOIN auth_group_permissions h ON h.group_id = g.id),
    EXISTS (SELECT FROM auth_user),
    EXISTS (SELECT FROM messaging_sender WHERE channel = 'email' AND is_default),
    EXISTS (SELECT FROM contacts_topic)
)), (SELECT max(at) FROM workspace_tick WHERE job = 'attend')
"""


def look(database_url: str) -> dict[str, str | None] | None:
    """Digest what bootstrap makes, and tell when work was last looked for; None without tables or an answer."""
    try:
        with psycopg.connect(database_url, connect_timeout=5, application_name="tributary-launcher") as connection:
            row = connection.execute(_LOOK).fetchone()
    except psycopg.Error:
        return None
    return {"made": row[0], "last_tick": row[1] and row[1].isoformat()} if row else None


def digest_of_code() -> str:
    """What the code and the packages are now: other code may want another base."""
    files = [PROJECT / "requirements.lock", *(path for floor in FLOORS for path in (PROJECT / floor).rglob("*.py"))]
    whole = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(PROJECT)}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


if __name__ == "__main__":
    print(json.dumps({"code": digest_of_code(), "base": look(os.environ["DATABASE_URL"])}))
