#!/bin/sh
# What the assistant can do, from an empty index to the gate. Needs no key and no server.
set -eu
step() { printf '\n\033[1m— %s\033[0m\n' "$1"; }
app={{ cookiecutter.project_slug }}

step "1/4 Index data/documents"
"$app" ingest
step "2/4 Ask"
for question in \
    "QUESTION-1" \
    "QUESTION-2" \
    "QUESTION-3"; do
    printf '\n> %s\n' "$question"
    "$app" ask "$question"
done
step "3/4 Evaluate the answers"
"$app" eval run
step "4/4 Is it fit for the proof-of-concept stage?"
"$app" gate poc
printf '\nNow look at the page: \033[1mmake run\033[0m, then open the address that it prints.\n'
