#!/bin/sh
# What the assistant can do, from an empty index to the gate. Needs no key and no server.
set -eu
app={{ cookiecutter.project_slug }}
if [ -t 1 ]; then bold='\033[1m' blue='\033[36m' plain='\033[0m'; else bold='' blue='' plain=''; fi
step() { printf "\n$bold%s$plain\n" "$1"; }
ask() {
    printf "\n$blue> %s$plain  (asked by %s)\n" "$2" "$1"
    "$app" ask --as "$1" "$2"
}

step "1/4 Index data/documents, and look for what is wrong with them"
"$app" ingest
"$app" data check

step "2/4 Ask"
ask callum "When may I book first class on a train?"
ask anna "Wie lang muss mein Passwort mindestens sein?"
ask moira "Up to what amount may a department head approve a budgeted purchase?"
printf '\nThe same question from someone outside the group: the passage is not even found.\n'
ask callum "Up to what amount may a department head approve a budgeted purchase?"

step "3/4 Measure the answers against the reviewed cases"
"$app" eval run

step "4/4 Is the project fit for the proof-of-concept stage?"
if ! "$app" gate poc; then
    # The template's own default owner is a placeholder, and the gate is right to refuse it. Anything else is a defect.
    red=$("$app" gate poc --json | python -c 'import json, sys; print(*[c["id"] for c in json.load(sys.stdin)["checks"] if not c["passed"]])')
    [ "$red" = owner ] || exit 1
    printf '\nRed, as it should be: nobody real owns this yet. Write who does into governance/ownership.yaml, then: make gate\n'
fi

printf "\nNow look at the page: ${bold}make run$plain, and open the address that it prints.\n"
