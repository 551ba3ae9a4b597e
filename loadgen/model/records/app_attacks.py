"""App attacks: templates of application messages that show an attack or a leak, each with what it raises.

Flow: TABLE -> `attacks` draws the fields («base», «caps»: see there) -> `app` puts the message into one of its forms.

Invariants: (signatures, "message", text). Tokens and keys are drawn letters in the form of the real ones; none was
ever valid.
Source: the Java Object Serialization Specification, section 6 (stream magic ac ed 00 05, in base64 "rO0AB"); the AWS
IAM user guide, "Unique identifiers" (prefixes AKIA and ASIA); RFC 7519, section 6 (unsecured JWTs, alg "none").
"""

from __future__ import annotations

TABLE: tuple[tuple[str, str, str], ...] = (
    ("app.deserialization.java", "message", "body of request «number» rejected: rO0ABXNyAB«base»"),
    ("app.deserialization.java", "message", "session cookie value rO0ABXQA«base» could not be read"),
    ("app.deserialization.java", "message", "unexpected object stream aced00057372«hex» from «ip»"),
    ("app.secret.aws-key", "message", "uploading with access key AKIA«caps» to bucket «word»"),
    ("app.secret.aws-key", "message", "environment dump: AWS_ACCESS_KEY_ID=AKIA«caps»"),
    ("app.jwt.alg-none", "message", "bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxMjM0In0. from «ip»"),
    ("app.jwt.alg-none", "message", "token eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0. of user «number»"),
    ("app.jwt.alg-none", "message", 'accepted a token with header {"alg":"none","typ":"JWT"} from «ip»'),
)
