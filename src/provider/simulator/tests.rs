//! The simulator as an outbox sees it.

use tokio::time::Instant;

use super::*;
use crate::domain::Status;

pub(crate) fn message(reference: &str, to: &str, body: &str) -> CarriedMessage {
    let at = Timestamp::from_seconds(1_730_000_000).unwrap();
    CarriedMessage {
        id: format!("sim-{reference}-{}", Clock::system().fraction()),
        reference: Some(reference.to_owned()),
        channel: Channel::Sms,
        from: "+12015550100".to_owned(),
        to: OneOrMany::One(to.to_owned()),
        cc: Vec::new(),
        reply_to: None,
        subject: None,
        body: body.to_owned(),
        attachments: Vec::new(),
        timestamp: at,
        at,
    }
}

fn envelope(reference: &str) -> Envelope {
    Envelope {
        reference: reference.to_owned(),
        channel: Channel::Sms,
        from: address("+12015550100"),
        to: vec![address("+12015550101")],
        cc: Vec::new(),
        reply_to: None,
        unsubscribe: None,
        is_automatic: false,
        references: Vec::new(),
        subject: None,
        body: "hi".to_owned(),
        attachments: Vec::new(),
        timestamp: Timestamp::from_seconds(1_730_000_000).unwrap(),
        callback_token: String::new(),
    }
}

fn sought(reference: &str) -> Sought {
    let at = Timestamp::from_seconds(1_730_000_000).unwrap();
    Sought { envelope: envelope(reference), since: at, until: at }
}

fn simulator(script: &[Fate]) -> (Simulator, mpsc::Receiver<Receipt>) {
    let (listener, receipts) = mpsc::channel(1_000);
    let clock = Clock::manual(Timestamp::from_seconds(1_730_000_000).unwrap(), 1);
    let simulator = Simulator::new(clock, listener, Duration::from_secs(10));
    simulator.set_chaos(Chaos { script: script.to_vec(), ..Chaos::default() });
    (simulator, receipts)
}

fn on_handset(simulator: &Simulator) -> usize {
    simulator.find_handset(&address("+12015550101")).map_or(0, |messages| messages.len())
}

#[tokio::test(start_paused = true)]
async fn a_message_is_taken_named_and_reported_on() {
    let (simulator, mut receipts) = simulator(&[]);
    let outcome = simulator.send(&envelope("r-1")).await;
    let Outcome::Accepted { reference } = outcome else { panic!("{outcome:?}") };
    assert!(reference.starts_with("sim-"));
    let seen = simulator.find_handset(&address("+12015550101")).unwrap();
    assert_eq!((seen[0].id.as_str(), seen[0].body.as_str()), (reference.as_str(), "hi"));
    for status in [Status::Sent, Status::Delivered] {
        let receipt = receipts.recv().await.unwrap();
        assert_eq!((receipt.reference.as_deref(), receipt.status), (Some("r-1"), status));
        assert_eq!((receipt.provider_id, receipt.recipient), (reference.clone(), None));
    }
    drop(simulator);
    assert_eq!(receipts.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn each_fate_has_its_outcome_and_the_handset_knows_whether_it_was_taken() {
    let all = [
        (Fate::Throttled, "retry", 0),
        (Fate::Away, "retry", 0),
        (Fate::Reject, "rejected", 0),
        (Fate::Error500Taken, "doubtful", 1),
        (Fate::Error500, "doubtful", 0),
        (Fate::Error502Taken, "doubtful", 1),
        (Fate::Error502, "doubtful", 0),
        (Fate::Error504Taken, "doubtful", 1),
        (Fate::Error504, "doubtful", 0),
        (Fate::HangTaken, "unknown", 1),
        (Fate::HangNotTaken, "unknown", 0),
        (Fate::ResetTaken, "unknown", 1),
        (Fate::ResetNotTaken, "unknown", 0),
        (Fate::HalfBodyTaken, "unknown", 1),
        (Fate::HtmlTaken, "unknown", 1),
        (Fate::EndlessTaken, "unknown", 1),
        (Fate::Ok, "accepted", 1),
    ];
    for (fate, wanted, taken) in all {
        let (simulator, _receipts) = simulator(&[fate]);
        let outcome = simulator.send(&envelope("r")).await;
        let name = match outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Retry { .. } => "retry",
            Outcome::Rejected { .. } => "rejected",
            Outcome::Doubtful { .. } => "doubtful",
            Outcome::Unknown { .. } => "unknown",
        };
        assert_eq!((name, on_handset(&simulator)), (wanted, taken), "{fate:?}");
        match simulator.look_up(&sought("r")).await {
            Found::Taken { status, .. } => assert_eq!((taken, status), (1, Some(Status::Accepted)), "{fate:?}"),
            Found::NeverTaken => assert_eq!(taken, 0, "{fate:?}"),
            Found::Unclear { reason } => panic!("{fate:?}: {reason}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_lasts_for_the_timeout_and_no_longer() {
    let (simulator, _receipts) = simulator(&[Fate::HangNotTaken]);
    let start = Instant::now();
    simulator.send(&envelope("r")).await;
    assert_eq!(start.elapsed().as_secs(), 10);

    let latency_ms = [60_000, 60_000];
    simulator.set_chaos(Chaos { latency_ms, ..Chaos::default() });
    let start = Instant::now();
    assert!(matches!(simulator.send(&envelope("r")).await, Outcome::Unknown { .. }));
    assert_eq!((start.elapsed().as_secs(), on_handset(&simulator)), (10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_reference_of_another_life_is_unclear() {
    let (simulator, _receipts) = simulator(&[]);
    assert!(matches!(simulator.look_up(&sought("r")).await, Found::Unclear { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_handset_writes_back() {
    let (simulator, _receipts) = simulator(&[]);
    let (handset, server) = (address("+12015550101"), address("+12015550100"));
    let text = simulator.write(handset.clone(), server.clone(), "yes".to_owned(), Vec::new());
    assert_eq!((text.draft.channel, text.draft.body.as_str()), (Channel::Sms, "yes"));
    assert_eq!((&text.draft.from, &text.draft.to), (&handset, &vec![server.clone()]));
    let media = simulator.write(handset.clone(), server, "look".to_owned(), vec!["a.png".to_owned()]);
    assert_eq!(media.draft.channel, Channel::Mms);
    let mail = simulator.write(address("u@example.com"), address("s@example.com"), "hello".to_owned(), Vec::new());
    assert_eq!(mail.draft.channel, Channel::Email);
    let seen: Vec<_> = simulator.find_handset(&handset).unwrap().iter().map(|message| message.id.clone()).collect();
    assert_eq!(seen, [text.provider_id, media.provider_id]);
    assert_eq!(simulator.list_handsets().len(), 2);
}

#[test]
fn nothing_private_is_shown_to_a_log() {
    let shown = format!("{:?}", message("r", "+12015550101", "secret"));
    assert!(!shown.contains("2015550101") && !shown.contains("secret"), "{shown}");
}
