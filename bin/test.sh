#!/bin/sh
# Walks the messaging API of a running server with curl, and checks every answer.
#
#   BASE_URL        which server; http://localhost:8080 when not set
#   API_KEY         sent as bearer token, for `serve`
#   WEBHOOK_SECRET  the same for the webhooks
#
# Each run makes two conversations of its own, between fictional numbers (555-01xx) and example.com, so that it may run
# again and again, on any database. Needs sh, curl, awk and grep. Exits with 1 when an answer is wrong.
set -u

BASE_URL=${BASE_URL:-http://localhost:8080}
BASE_URL=${BASE_URL%/}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
wrong=0
checks=0

random() { # BELOW: a number
    od -An -N4 -tu4 /dev/urandom | awk -v below="$1" '{ print $1 % below }'
}

# One line for every value of a JSON text: its path, a tab, and the value as it was written. Empty objects and lists
# are values too. Fails on what is no JSON.
flatten() {
    awk '
        { text = text $0 "\n" }
        END {
            length_ = length(text); at = 1
            skip(); value(""); skip()
            if (at <= length_) die()
            for (n = 1; n <= count; n++) print lines[n]
        }
        function die() { print "no JSON at character " at > "/dev/stderr"; exit 1 }
        function out(path, shown) { lines[++count] = path "\t" shown }
        function skip() { while (at <= length_ && index(" \t\r\n", substr(text, at, 1))) at++ }
        function string(  start, c) {
            start = at++
            while ((c = substr(text, at, 1)) != "\"") {
                if (at > length_) die()
                at += (c == "\\") ? 2 : 1
            }
            at++
            return substr(text, start, at - start)
        }
        function value(path,  c, start, key, n) {
            c = substr(text, at, 1)
            if (c == "{" || c == "[") {
                at++; skip(); n = 0
                if (substr(text, at, 1) == (c == "{" ? "}" : "]")) { at++; out(path, c == "{" ? "{}" : "[]"); return }
                while (1) {
                    if (c == "{") {
                        if (substr(text, at, 1) != "\"") die()
                        key = string(); skip()
                        if (substr(text, at, 1) != ":") die()
                        at++; skip(); value(path "." substr(key, 2, length(key) - 2))
                    } else {
                        value(path "[" n++ "]")
                    }
                    skip()
                    if (substr(text, at, 1) == ",") { at++; skip(); continue }
                    if (substr(text, at, 1) != (c == "{" ? "}" : "]")) die()
                    at++; return
                }
            }
            if (c == "\"") { out(path, string()); return }
            if (!match(substr(text, at), /^(true|false|null|-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)/)) die()
            start = at; at += RLENGTH
            out(path, substr(text, start, RLENGTH))
        }
    '
}

ok() { checks=$((checks + 1)); }
bad() { checks=$((checks + 1)); wrong=$((wrong + 1)); echo "   WRONG: $*"; }

# call EXPECTED_STATUS METHOD PATH [BODY]: prints the answer, and leaves it flat in $work/flat.
call() {
    expected=$1 method=$2 path=$3
    echo
    echo "== $method $path${4:+  $4}"
    case $path in /api/webhooks/*) key=${WEBHOOK_SECRET:-} ;; *) key=${API_KEY:-} ;; esac
    set -- ${4+--data-binary "$4"}
    [ -z "$key" ] || set -- "$@" -H "Authorization: Bearer $key"
    code=$(curl -sS --max-time 20 -o "$work/body" -w '%{http_code}' -X "$method" \
        -H "Content-Type: ${CONTENT_TYPE:-application/json}" "$@" "$BASE_URL$path") || code=000
    [ -f "$work/body" ] || : >"$work/body"
    echo "   $code $(cat "$work/body")"
    if [ "$code" = 000 ]; then
        echo "No answer from $BASE_URL: is the server running? (make run)"
        exit 1
    fi
    if [ "$code" = "$expected" ]; then ok; else bad "status $code, expected $expected"; fi
    flatten <"$work/body" >"$work/flat" 2>"$work/error" || bad "$(cat "$work/error")"
}

value() { awk -F '\t' -v path="$1" '$1 == path { print $2 }' "$work/flat"; }

# is PATH VALUE: the value as JSON writes it.
is() {
    found=$(value "$1")
    if [ "$found" = "$2" ]; then ok; else bad "$1 is ${found:-absent}, expected $2"; fi
}

# matches PATH PATTERN
matches() {
    found=$(value "$1")
    if printf '%s\n' "$found" | grep -Eqx -- "$2"; then ok; else bad "$1 is ${found:-absent}, expected $2"; fi
}

# keys PATH KEYS: exactly these, in any order.
keys() {
    found=$(awk -F '\t' -v path="$1." 'index($1, path) == 1 {
        key = substr($1, length(path) + 1); sub(/[.[].*/, "", key); if (!seen[key]++) print key
    }' "$work/flat" | sort | tr '\n' ' ')
    expected_keys=$(printf '%s\n' $2 | sort | tr '\n' ' ')
    if [ "$found" = "$expected_keys" ]; then ok; else bad "$1 has the keys $found, expected $expected_keys"; fi
}

# count PATH N: so many elements.
count() {
    found=$(awk -F '\t' -v path="$1[" 'index($1, path) == 1 { n = substr($1, length(path) + 1); sub(/\].*/, "", n); seen[n] = 1 }
        END { n = 0; for (i in seen) n++; print n }' "$work/flat")
    if [ "$found" = "$2" ]; then ok; else bad "$1 has $found elements, expected $2"; fi
}

# names FIELD: a refusal names it.
names() {
    if grep -Eq "^\.errors\[[0-9]+\]\.field	\"$1\"$" "$work/flat"; then ok; else bad "errors do not name $1"; fi
}

TIME='"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"'
ID='[1-9][0-9]*'
STATUS='"(queued|sending|accepted|sent|delivered|read)"'

area=$((201 + $(random 780)))
us=$(printf '+1%03d55501%02d' "$area" "$(random 50)")
them=$(printf '+1%03d55501%02d' "$area" "$((50 + $(random 50)))")
run=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
our_mail="desk-$run@example.com"
their_mail="guest-$run@example.com"
stamp=2024-11-01T14:00:00Z

# message FROM TO TYPE DIRECTION: what every message has.
message() {
    matches .id "$ID"
    matches .conversation_id "$ID"
    is .from "\"$1\""
    is .to "\"$2\""
    is .type "\"$3\""
    is .direction "\"$4\""
    is .timestamp '"2024-11-01T14:00:00.000000Z"'
    matches .created_at "$TIME"
    if [ "$4" = inbound ]; then is .status '"received"'; else matches .status "$STATUS"; fi
}

echo "Switchboard at $BASE_URL, run $run"

call 201 POST /api/messages/sms "{\"from\":\"$us\",\"to\":\"$them\",\"type\":\"sms\",\"body\":\"Hello! This is a test SMS message.\",\"attachments\":null,\"timestamp\":\"$stamp\"}"
message "$us" "$them" sms outbound
is .body '"Hello! This is a test SMS message."'
is .attachments '[]'
is .segments.count 1
is .segments.encoding '"GSM-7"'
texts=$(value .conversation_id)
first=$(value .id)

call 201 POST /api/messages/sms "{\"from\":\"$us\",\"to\":\"$them\",\"type\":\"mms\",\"body\":\"Hello! This is a test MMS message with attachment.\",\"attachments\":[\"https://example.com/image.jpg\"],\"timestamp\":\"$stamp\"}"
message "$us" "$them" mms outbound
is .conversation_id "$texts"
is '.attachments[0]' '"https://example.com/image.jpg"'

call 201 POST /api/messages/email "{\"from\":\"[$our_mail](mailto:$our_mail)\",\"to\":\"$their_mail\",\"body\":\"Hello! This is a test email message with <b>HTML</b> formatting.\",\"attachments\":[\"https://example.com/document.pdf\"],\"timestamp\":\"2024-11-01T16:00:00+02:00\"}"
message "$our_mail" "$their_mail" email outbound
is .body '"Hello! This is a test email message with <b>HTML</b> formatting."'
mails=$(value .conversation_id)
if [ "$mails" = "$texts" ]; then bad "mail and texts share a conversation"; else ok; fi

sms_in="{\"from\":\"$them\",\"to\":\"$us\",\"type\":\"sms\",\"messaging_provider_id\":\"message-1-$run\",\"body\":\"This is an incoming SMS message\",\"attachments\":null,\"timestamp\":\"$stamp\"}"
call 200 POST /api/webhooks/sms "$sms_in"
message "$them" "$us" sms inbound
is .conversation_id "$texts"
received=$(value .id)

mms_in="{\"from\":\"$them\",\"to\":\"$us\",\"type\":\"mms\",\"messaging_provider_id\":\"message-2-$run\",\"body\":\"This is an incoming MMS message\",\"attachments\":[\"attachment-url\"],\"timestamp\":\"$stamp\"}"
call 200 POST /api/webhooks/sms "$mms_in"
message "$them" "$us" mms inbound
is .conversation_id "$texts"
is '.attachments[0]' '"attachment-url"'

mail_in="{\"from\":\"$their_mail\",\"to\":\"$our_mail\",\"xillio_id\":\"message-2-$run\",\"body\":\"<html><body>This is an incoming email with <b>HTML</b> content</body></html>\",\"attachments\":[\"https://example.com/received-document.pdf\"],\"timestamp\":\"$stamp\"}"
call 200 POST /api/webhooks/email "$mail_in"
message "$their_mail" "$our_mail" email inbound
is .conversation_id "$mails"
matches .html '"This is an incoming email with <b>HTML</b> content"'

# A repeat is the same message again, and no second row: the counts below say so.
call 200 POST /api/webhooks/sms "$sms_in"
is .id "$received"
is .conversation_id "$texts"

conversation_keys="id kind participants state channels last_message message_count unread_count created_at updated_at"
phone=$(printf '%s' "$us" | sed 's/+/%2B/')
call 200 GET "/api/conversations?participant=$phone&limit=200"
at=$(awk -F '\t' -v id="$texts" '$1 ~ /^\.data\[[0-9]+\]\.id$/ && $2 == id { sub(/\.id$/, "", $1); print $1 }' "$work/flat")
if [ -n "$at" ]; then ok; else bad "conversation $texts is not in the list"; fi
keys "$at" "$conversation_keys"
is "$at.participants[0]" "\"$us\""
is "$at.participants[1]" "\"$them\""
count "$at.participants" 2
is "$at.channels[0]" '"sms"'
is "$at.channels[1]" '"mms"'
count "$at.channels" 2
if [ "$(value "$at.message_count")" = 4 ]; then
    is "$at.unread_count" 2
else
    # The numbers were drawn by an earlier run too.
    matches "$at.message_count" '[0-9]*[02468]'
fi
is "$at.last_message.type" '"mms"'
is "$at.last_message.direction" '"inbound"'
is "$at.last_message.body" '"This is an incoming MMS message"'
matches "$at.created_at" "$TIME"
matches "$at.updated_at" "$TIME"

call 200 GET "/api/conversations?participant=$our_mail"
keys "" "data next_cursor"
is .next_cursor null
count .data 1
keys '.data[0]' "$conversation_keys"
is '.data[0].id' "$mails"
is '.data[0].participants[0]' "\"$our_mail\""
is '.data[0].participants[1]' "\"$their_mail\""
count '.data[0].participants' 2
is '.data[0].channels[0]' '"email"'
count '.data[0].channels' 1
is '.data[0].message_count' 2
is '.data[0].unread_count' 1
is '.data[0].last_message.direction' '"inbound"'

call 200 GET "/api/conversations?limit=2"
keys "" "data next_cursor"
count .data 2

call 200 GET "/api/conversations/$texts/messages?limit=200"
keys "" "data next_cursor"
expected_order=$(printf '"%s"' "$us$us$them$them")
found_order=$(awk -F '\t' '$1 ~ /^\.data\[[0-9]+\]\.from$/ { gsub(/"/, "", $2); all = all $2 } END { print "\"" all "\"" }' "$work/flat")
case $found_order in
    *"${expected_order#\"}") ok ;;
    *) bad "the messages come as $found_order, expected $expected_order last" ;;
esac
if grep -Eq "^\.data\[[0-9]+\]\.id	$first$" "$work/flat"; then ok; else bad "message $first is missing"; fi
ascending=$(awk -F '\t' '$1 ~ /^\.data\[[0-9]+\]\.id$/ { if ($2 + 0 <= last) wrong = 1; last = $2 + 0 } END { print wrong ? "no" : "yes" }' "$work/flat")
if [ "$ascending" = yes ]; then ok; else bad "messages of one time are not in the order of their ids"; fi

call 200 GET "/api/conversations/$mails/messages"
is .next_cursor null
count .data 2
is '.data[0].direction' '"outbound"'
is '.data[1].direction' '"inbound"'
is '.data[1].conversation_id' "$mails"

# What must be refused, and why.
call 404 GET /api/conversations/9007199254740991/messages
is .status 404
call 400 GET /api/conversations/first/messages
call 400 GET "/api/conversations?limit=0"
call 400 POST /api/messages/sms '{"to":"nobody","type":"pigeon","body":"x","colour":"red"}'
names from
names to
names type
names colour
call 400 POST /api/messages/sms '{"from":'
call 400 POST /api/webhooks/sms '[]'
CONTENT_TYPE=text/plain call 415 POST /api/messages/sms '{}'

echo
if [ "$wrong" -eq 0 ]; then
    echo "All $checks checks passed."
else
    echo "$wrong of $checks checks failed."
    exit 1
fi
