"""The command `caudal`: one file a command, errors in one line, exit codes as documented in docs/commands.md."""
