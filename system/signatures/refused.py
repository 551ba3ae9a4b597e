r"""What other dialects of regular expressions have and ours has not: what it is called, and what to write instead.

`system.signatures.reader` looks here before it refuses a pattern. An entry is here because an engine lacks it or reads
it differently (look-around, back-references, `\Z`), or because people mean different things by it (`\h`, `\N`).
Source: Hyperscan's Developer's Reference, "Unsupported Constructs"; pcrepattern(3); Python's `re`.
"""

#: Escapes of other dialects, or that engines read differently: what they are, and what to write.
REFUSED_ESCAPES = {
    "B": (
        "the not-a-word-boundary assertion",
        "engines differ on the empty record: name the neighbouring bytes by a class",
    ),
    "Z": ("an end anchor", "write $ (it means the end of the record)"),
    "z": ("an end anchor", "write $ (it means the end of the record)"),
    "G": ("an anchor", "write ^"),
    "K": ("a match reset", "leave it out: positions are no part of a match"),
    "R": ("a newline escape", r"write \n or \r?\n"),
    "h": ("a horizontal-space class", r"write [ \t]"),
    "H": ("a horizontal-space class", r"write [^ \t]"),
    "V": ("a vertical-space class", r"write [^\n\v\f\r]"),
    "N": ("a named or not-newline escape", r"write [^\n]"),
    "C": ("a single-byte escape", "write . with dot_all"),
    "X": ("a Unicode escape", r"write the bytes, as \xc3\xa9"),
    "p": ("a Unicode property", "write an ASCII class"),
    "P": ("a Unicode property", "write an ASCII class"),
    "u": ("a Unicode escape", r"write the bytes of its UTF-8 form, as \xc3\xa9"),
    "U": ("a Unicode escape", r"write the bytes of its UTF-8 form, as \xc3\xa9"),
    "Q": ("a quoted run", "escape each byte"),
    "E": ("a quoted run", "escape each byte"),
    "g": ("a back-reference", "write the repeated text out"),
    "k": ("a back-reference", "write the repeated text out"),
    "x": ("an unfinished hexadecimal escape", r"write two digits, as \x0a"),
}
#: Groups of other dialects, longest opening first.
REFUSED_GROUPS = {
    "(?<=": ("a look-behind", "match the bytes before it instead"),
    "(?<!": ("a negative look-behind", "name the bytes that may stand there by a class"),
    "(?=": ("a look-ahead", "match the bytes after it instead"),
    "(?!": ("a negative look-ahead", "name the bytes that may follow by a class"),
    "(?>": ("an atomic group", "write (?:"),
    "(?P=": ("a back-reference", "write the repeated text out"),
    "(?P>": ("a subroutine call", "write the group out"),
    "(?<": ("a named group", "write (?:"),
    "(?'": ("a named group", "write (?:"),
    "(?#": ("a comment", "put it into the description"),
    "(?(": ("a conditional", "write the alternatives out"),
    "(?|": ("a branch reset", "write (?:"),
    "(?&": ("a subroutine call", "write the group out"),
    "(?R": ("a recursion", "write the group out"),
    "(*": ("a control verb", r"escape the star, as (\*"),
}
