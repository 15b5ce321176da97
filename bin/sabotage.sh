#!/usr/bin/env bash
# Sees every fault test fail: each is run against a server that breaks the rule it watches.
#
#   bin/sabotage.sh [URL]      on SQLite; with the URL of a PostgreSQL superuser also what only that one shows
#
# A row: the rule that is broken (fault::is_sabotaged), the database that shows it, the test that must fail.
set -uo pipefail
cd "$(dirname "$0")/.."

rows='
answer_before_commit sqlite   faults::kill::
lapsed_is_retry      sqlite   faults::kill::
lapsed_is_retry      sqlite   faults::points::
unknown_is_retry     sqlite   faults::ambiguity::
doubt_unmarked       sqlite   faults::ambiguity::
retry_after_ignored  sqlite   faults::certainty::
certain_is_unknown   sqlite   faults::certainty::
breaker_off          sqlite   faults::outage::
pace_off             sqlite   faults::outage::
dedupe_off           sqlite   faults::repeats::one_webhook
key_off              sqlite   faults::repeats::one_key
secret_off           sqlite   faults::forged::
any_key              sqlite   faults::forged::
failover_off         sqlite   faults::failover::another_provider
failover_forgets     sqlite   faults::failover::another_provider
pause_off            sqlite   faults::failover::a_pause
reload_unchecked     sqlite   faults::failover::another_configuration
ignore_fence         sqlite   faults::fence::
reference_unread     sqlite   faults::callbacks::
last_word_wins       sqlite   faults::order::
away_is_refused      sqlite   faults::database::the_database
stuck_rollback       sqlite   faults::database::the_database
lock_off             sqlite   faults::database::two_servers
limit_off            sqlite   faults::hostile::hostile
header_timeout_off   sqlite   faults::hostile::hostile
write_timeout_off    sqlite   faults::hostile::whoever
stop_at_once         sqlite   faults::stop::
restore_trusted      sqlite   faults::restore::
consent_off          sqlite   faults::consent::
readers_move_first   sqlite   faults::webhooks::
egress_off           sqlite   egress::no_spelling
proof_off            sqlite   hooks::twilio::ten_thousand
proof_off            sqlite   hooks::sendgrid::ten_thousand
dedupe_off           sqlite   hooks::twilio::fifty
dedupe_off           sqlite   hooks::sendgrid::fifty
last_word_wins       sqlite   hooks::twilio::statuses_in_any
last_word_wins       sqlite   hooks::sendgrid::events_in_any
egress_off           sqlite   hooks::media::nobody_is_led
ignore_fence         sqlite   hooks::media::whoever_lost
media_dropped        sqlite   faults::media::
tries_uncounted      sqlite   codes::of_two_hundred
code_unbound         sqlite   codes::a_code_counts_in
live_sees_all        sqlite   live::rights::each_hears
live_sees_all        sqlite   live::rights::what_was_missed
live_origin_off      sqlite   live::rights::no_page
live_guard_off       sqlite   live::endings::a_key
live_guard_off       sqlite   live::endings::signing_out
live_guard_off       sqlite   live::endings::who_cannot
live_repeats         sqlite   live::log::many_who_write
live_slow_kept       sqlite   live::log::somebody_who
live_deaf            postgres live::processes::what_one
live_deaf            postgres live::processes::a_process_that_was
answer_before_commit postgres faults::kill::
away_is_refused      postgres faults::database::the_database
tries_uncounted      postgres codes::of_two_hundred
pause_off            postgres faults::failover::a_pause
claim_uncommitted    postgres faults::database::two_servers
lapsed_is_retry      postgres faults::database::two_servers
unknown_is_retry     postgres faults::ambiguity::
certain_is_unknown   postgres faults::certainty::
lapsed_is_retry      postgres faults::points::
lapsed_is_retry      postgres faults::paused::
ignore_fence         postgres faults::fence::
ignore_fence         postgres faults::paused::
reference_unread     postgres faults::callbacks::
restore_trusted      postgres faults::restore::
joins_unheld         postgres joining_model::two_hundred
events_at_once       postgres log::no_reader_that
'

run() { # FILTER
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --features faults --test it --retries 0 -E "test(/^$1/)"
    else
        cargo test --locked --features faults --test it -- "$1"
    fi
}

cargo build --locked --quiet --features faults --tests || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
seen=0
while read -r rule database filter; do
    [ -n "$rule" ] || continue
    url=sqlite
    if [ "$database" = postgres ]; then
        url=${1:-}
        [ -n "$url" ] || continue
    fi
    # A race is lost only sometimes: a run that passes says nothing yet.
    for _ in 1 2 3 4 5 6; do
        SWITCHBOARD_SABOTAGE=$rule SWITCHBOARD_TEST_DATABASE=$url run "$filter" >"$log" 2>&1 </dev/null
        status=$?
        [ $status -eq 0 ] || break
    done
    # 100 is nextest's word for failed tests, 101 cargo's; the panic tells them from a test that did not run.
    if { [ $status -eq 100 ] || [ $status -eq 101 ]; } && grep -q "^ *thread '[a-z0-9_:]*' .*panicked" "$log"; then
        why=$(grep -A 1 "^ *thread '[a-z0-9_:]*' .*panicked" "$log" | sed -n 2p | cut -c 1-110)
        seen=$((seen + 1))
        printf 'seen to fail  %-21s %-9s %-32s %s\n' "$rule" "$database" "$filter" "$why"
    else
        printf 'NOT SEEN      %-21s %-9s %s\n' "$rule" "$database" "$filter"
        tail -n 20 "$log"
        failed=1
    fi
done <<<"$rows"
echo "test result: $seen broken rules seen by their tests"
exit "$failed"
