#!/usr/bin/env python3
"""Tests of the command completion: test_completion.py PATH/TO/mastra-store"""

import re
import subprocess

from support import contains, equal, fails, main, run


def commands():
    text = run("--help")[1]
    return dict(re.findall(r"^  ([a-z-]+) +(.*)$", text[text.index("Commands:"):text.index("\nOptions:")], re.M))


def complete(*words):
    """What bash offers in place of the last word."""
    script = run("completion", "bash")[1] + ('COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mastra_store;'
                                             ' printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", "mastra-store", *words], capture_output=True, text=True, check=True)
    equal(done.stderr, "")
    return done.stdout.split()


def test_bash(store):
    equal(complete(""), list(commands()))
    equal(complete("th"), ["threads"])
    equal(complete("--st"), ["--store"])
    equal(complete("--store", "file", ":", "agent.db", "pr"), ["prune"])
    equal(complete("copy", "--d"), ["--dry-run"])
    equal(complete("--store", "x", "check", "--"), ["--store", "--owner", "--json", "--wide", "--repair", "--delete-orphans",
                                                    "--help", "--version"])
    for command in commands():
        usage = run(command, "--help")[1].splitlines()[0]
        for option in set(re.findall(r"--[a-z-]+", usage)):
            contains(complete(command, "--"), option)


def test_the_other_shells(store):
    """Each names all commands with their summaries, and all options."""
    zsh, fish = run("completion", "zsh")[1], run("completion", "fish")[1]
    equal(zsh.splitlines()[0], "#compdef mastra-store")
    for command, summary in commands().items():
        contains(zsh, f"\n        {command}:'" + summary.replace("'", "'\\''") + "'\n")
        contains(fish, f"-n __fish_use_subcommand -a {command} -d '" + summary.replace("'", "\\'") + "'\n")
        usage = run(command, "--help")[1].splitlines()[0]
        line = next(line for line in zsh.splitlines() if line.startswith(f"        {command}) options="))
        for option in set(re.findall(r"--[a-z-]+", usage)) - {"--store"}:
            contains(line, " " + option)
            contains(fish, f"'__fish_seen_subcommand_from {command}' -l {option[2:]}")
    # Quotes are closed.
    subprocess.run(["bash", "-n"], input=fish.replace("\\'", ""), text=True, check=True)
    fails(2, 'not "csh"', "completion", "csh")
    fails(2, "completion needs an argument", "completion")


main(globals())
