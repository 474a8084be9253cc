"""What must always be true of messages: each statement returns the rows that break it.

How often a provider was called (I17) no database can know: the chaos tests ask a witness outside the system.
"""

CHECKS = {
    "I16 one message per key": """
SELECT key FROM messaging_message GROUP BY key HAVING count(*) > 1""",
    "I16 one message per place in a thread and channel": """
SELECT thread, turn, channel FROM messaging_message WHERE thread <> '' GROUP BY thread, turn, channel
HAVING count(*) > 1""",
    # The lease, one tick of the reaper (30 s), and time for a busy one to come round.
    "I18 nothing is under way past its lease and a tick": """
SELECT id FROM messaging_message
WHERE status IN ('sending', 'calling') AND lease_until < tributary_now() - interval '90 seconds'""",
    "I17 only what is said at most once may be unknown": """
SELECT id FROM messaging_message WHERE status = 'unknown' AND (channel = 'webhook' OR class = 'transactional')""",
    "I18 an unknown end says why": """
SELECT id FROM messaging_message WHERE status = 'unknown' AND reason = ''""",
    "a claim has a token and a lease, nothing else has": """
SELECT id FROM messaging_message
WHERE (status IN ('sending', 'calling')) <> (token IS NOT NULL)
    OR (status IN ('sending', 'calling')) <> (lease_until IS NOT NULL)""",
    "a refused message names its gate": """
SELECT id FROM messaging_message WHERE status = 'refused' AND gate = ''""",
    "what was said went through the gate": """
SELECT id FROM messaging_message
WHERE status IN ('calling', 'sent', 'delivered', 'bounced', 'complained', 'unknown')
    AND (calling_at IS NULL OR attempts = 0)""",
    "settled is what has an end": """
SELECT id FROM messaging_message
WHERE (status IN ('queued', 'held', 'sending', 'calling')) = (settled_at IS NOT NULL)""",
    "I23 the messages of a thread go in order": """
SELECT later.id FROM messaging_message later
JOIN messaging_message earlier ON earlier.thread = later.thread AND earlier.turn < later.turn
WHERE later.thread <> '' AND earlier.calling_at > later.calling_at""",
}
