//! Joining and splitting against a model of it, and against messages that come in at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use switchboard::domain::Role;

use crate::harness::{TestApp, text};
use crate::joining::{ADA, ADA_MAIL, MAILBOX, OTHER_OWN, OWN, at, come};

const PEOPLE: [&str; 5] = ["+18045550001", "+18045550002", "+18045550003", "one@there.example", "two@there.example"];

/// Between which of the people and which of ours.
type Ends = (usize, usize);

/// One conversation of its own addresses, as it should be.
#[derive(Debug, Default, Clone)]
struct Part {
    id: i64,
    messages: BTreeSet<i64>,
    unread: i64,
    bench: Bench,
    labels: BTreeSet<i64>,
}

/// Where one stands with the team.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Bench {
    state: State,
    assignee: Option<&'static str>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    #[default]
    Open,
    Snoozed,
    Closed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
        }
    }
}

#[derive(Debug, Default)]
struct Model {
    contacts: BTreeMap<i64, BTreeSet<usize>>,
    parts: BTreeMap<Ends, Part>,
    label: i64,
}

impl Model {
    fn owner(&self, person: usize) -> Option<i64> {
        self.contacts.iter().find(|(_, theirs)| theirs.contains(&person)).map(|(id, _)| *id)
    }

    /// What is shown as one.
    fn groups(&self) -> Vec<Vec<Ends>> {
        let mut groups: BTreeMap<(Option<i64>, Option<Ends>), Vec<Ends>> = BTreeMap::new();
        for ends in self.parts.keys() {
            let owner = self.owner(ends.0);
            groups.entry((owner, owner.is_none().then_some(*ends))).or_default().push(*ends);
        }
        groups.into_values().collect()
    }

    /// How a joined one stands: as the most awake of its parts, and with whoever has the oldest.
    fn bench(&self, group: &[Ends]) -> Bench {
        let mut parts: Vec<&Part> = group.iter().map(|ends| &self.parts[ends]).collect();
        parts.sort_by_key(|part| part.id);
        let state = parts.iter().map(|part| part.bench.state).min().unwrap_or_default();
        Bench { state, assignee: parts.iter().find_map(|part| part.bench.assignee) }
    }

    /// How a conversation stands that begins with what goes out: as what it is shown in.
    fn beginning(&self, ends: Ends) -> State {
        let Some(owner) = self.owner(ends.0) else { return State::Open };
        let others: Vec<Ends> = self.parts.keys().filter(|other| self.owner(other.0) == Some(owner)).copied().collect();
        self.bench(&others).state
    }

    fn expected(&self) -> BTreeMap<Vec<i64>, Value> {
        let one = |group: Vec<Ends>| {
            let parts: Vec<&Part> = group.iter().map(|ends| &self.parts[ends]).collect();
            let messages: BTreeSet<i64> = parts.iter().flat_map(|part| part.messages.iter().copied()).collect();
            let labels: BTreeSet<i64> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
            let people: BTreeSet<&str> = group.iter().flat_map(|ends| [PEOPLE[ends.0], own(ends.0, ends.1)]).collect();
            let bench = self.bench(&group);
            let shown = json!({
                "contact": self.owner(group[0].0), "count": messages.len(), "labels": labels, "people": people,
                "state": bench.state.as_str(), "assignee": bench.assignee, "last": messages.last(),
                "unread": parts.iter().map(|part| part.unread).sum::<i64>(),
            });
            (messages.into_iter().collect(), shown)
        };
        self.groups().into_iter().map(one).collect()
    }
}

fn own(person: usize, which: usize) -> &'static str {
    if PEOPLE[person].contains('@') { [MAILBOX, "more@shop.example"][which] } else { [OWN, OTHER_OWN][which] }
}

async fn shown(app: &TestApp) -> BTreeMap<Vec<i64>, Value> {
    let mut all = BTreeMap::new();
    for one in app.list("/api/conversations?limit=200").await {
        let messages = app.list(&format!("{}/messages?limit=200", at(&one["id"]))).await;
        let ids: Vec<i64> = messages.iter().map(|message| message["id"].as_i64().unwrap()).collect();
        let labels: BTreeSet<i64> =
            one["labels"].as_array().into_iter().flatten().map(|label| label["id"].as_i64().unwrap()).collect();
        let people: BTreeSet<&str> = one["participants"].as_array().unwrap().iter().map(text).collect();
        let row = json!({
            "contact": one["contact"]["id"], "count": one["message_count"], "labels": labels, "people": people,
            "state": one["state"], "assignee": one["assignee"], "last": one["last_message"]["id"],
            "unread": one["unread_count"],
        });
        assert!(all.insert(ids, row).is_none());
    }
    all
}

/// One thing that somebody does, in the server and in the model.
async fn step(app: &TestApp, model: &mut Model, rng: &mut StdRng, n: usize) -> String {
    let person = rng.random_range(0..PEOPLE.len());
    let contacts: Vec<i64> = model.contacts.keys().copied().collect();
    let contact = (!contacts.is_empty()).then(|| contacts[rng.random_range(0..contacts.len())]);
    match rng.random_range(0..17) {
        14 | 15 => write(app, model, (person, rng.random_range(0..2))).await,
        0..=4 => {
            let which = rng.random_range(0..2);
            let message = come(app, &format!("m-{n}"), PEOPLE[person], own(person, which)).await;
            let part = model.parts.entry((person, which)).or_default();
            part.messages.insert(message["id"].as_i64().unwrap());
            part.unread += 1;
            part.bench.state = State::Open;
            let home = format!("select conversation_id from messages where id = {}", message["id"]);
            part.id = app.database().number(&home).await;
            format!("{person} writes to {which}")
        }
        5 | 6 if model.contacts.len() < 3 => {
            let others: BTreeSet<usize> = (0..PEOPLE.len()).filter(|_| rng.random_bool(0.4)).collect();
            let body = json!({ "name": "x", "addresses": others.iter().map(|at| PEOPLE[*at]).collect::<Vec<_>>() });
            let answer = app.post("/api/contacts", body).await;
            let may = others.iter().all(|person| model.owner(*person).is_none());
            assert_eq!(answer.status, if may { 201 } else { 409 }, "{:?}", answer.body);
            if may {
                model.contacts.insert(answer["id"].as_i64().unwrap(), others.clone());
            }
            format!("{others:?} are a contact: {may}")
        }
        7 | 8 if contact.is_some() => {
            let contact = contact.unwrap();
            let path = format!("/api/contacts/{contact}/addresses");
            let answer = app.post(&path, json!({ "address": PEOPLE[person] })).await;
            let may = model.owner(person).is_none_or(|owner| owner == contact);
            assert_eq!(answer.status, if may { 200 } else { 409 }, "{:?}", answer.body);
            if may {
                model.contacts.get_mut(&contact).unwrap().insert(person);
            }
            format!("{person} goes to {contact}: {may}")
        }
        9 if contact.is_some() => {
            let contact = contact.unwrap();
            let answer = app.delete(&format!("/api/contacts/{contact}/addresses/{}", PEOPLE[person])).await;
            let was_theirs = model.contacts.get_mut(&contact).unwrap().remove(&person);
            assert_eq!(answer.status, if was_theirs { 200 } else { 404 }, "{:?}", answer.body);
            format!("{person} leaves {contact}: {was_theirs}")
        }
        10 if contacts.len() > 1 => {
            let (to, from) = (contacts[0], *contacts.last().unwrap());
            let answer = app.post(&format!("/api/contacts/{to}/merge"), json!({ "contact_id": from })).await;
            assert_eq!(answer.status, 200, "{:?}", answer.body);
            let theirs = model.contacts.remove(&from).unwrap();
            model.contacts.get_mut(&to).unwrap().extend(theirs);
            format!("{from} is merged with {to}")
        }
        11 if contact.is_some() && rng.random_bool(0.5) => {
            let contact = contact.unwrap();
            assert_eq!(app.delete(&format!("/api/contacts/{contact}")).await.status, 204);
            model.contacts.remove(&contact);
            format!("{contact} goes")
        }
        _ => act(app, model, rng).await,
    }
}

/// Something goes out to somebody.
async fn write(app: &TestApp, model: &mut Model, ends: Ends) -> String {
    let (from, to) = (own(ends.0, ends.1), PEOPLE[ends.0]);
    let kind = if to.contains('@') { "email" } else { "sms" };
    let path = if kind == "email" { "/api/messages/email" } else { "/api/messages/sms" };
    let sent = app.post(path, json!({ "from": from, "to": to, "type": kind, "body": "out" })).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    let state = model.beginning(ends);
    let part =
        model.parts.entry(ends).or_insert_with(|| Part { bench: Bench { state, assignee: None }, ..Part::default() });
    part.messages.insert(sent["id"].as_i64().unwrap());
    part.id = app.database().number(&format!("select conversation_id from messages where id = {}", sent["id"])).await;
    format!("{ends:?} is written to")
}

/// A label goes from everything, and there is another.
async fn relabel(app: &TestApp, model: &mut Model) -> String {
    assert_eq!(app.delete(&format!("/api/labels/{}", model.label)).await.status, 204);
    let made = app.post("/api/labels", json!({ "name": "one" })).await;
    for part in model.parts.values_mut() {
        part.labels.clear();
    }
    model.label = made["id"].as_i64().unwrap();
    "the label goes".to_owned()
}

/// Somebody of the team does something to a conversation, by the id of any of its parts.
async fn act(app: &TestApp, model: &mut Model, rng: &mut StdRng) -> String {
    let (groups, label) = (model.groups(), model.label);
    let kind = rng.random_range(0..9);
    if kind == 8 {
        return relabel(app, model).await;
    }
    if groups.is_empty() {
        return "nothing".to_owned();
    }
    let group = groups[rng.random_range(0..groups.len())].clone();
    let path = at(&json!(model.parts[&group[rng.random_range(0..group.len())]].id));
    let before = model.bench(&group);
    let mut after = before;
    let change = match kind {
        1 | 2 => {
            after.state = State::Closed;
            json!({ "state": "closed" })
        }
        3 => {
            after.state = State::Snoozed;
            json!({ "state": "snoozed", "snoozed_until": "2026-04-01T00:00:00Z" })
        }
        4 => {
            after.assignee = Some("ann");
            json!({ "assignee": "ann" })
        }
        5 => {
            after.assignee = None;
            json!({ "assignee": null })
        }
        _ => Value::Null,
    };
    let status = match kind {
        0 => {
            let last = app.get(&path).await["last_message"]["id"].clone();
            app.post(&format!("{path}/read"), json!({ "last_message_id": last })).await.status
        }
        1..=5 => app.call(Method::PATCH, &path, Some(change)).await.status,
        6 => app.put(&format!("{path}/labels/{label}"), Value::Null).await.status,
        _ => app.delete(&format!("{path}/labels/{label}")).await.status,
    };
    assert!(status.is_success(), "{kind} {status}");
    let has_label = group.iter().any(|ends| model.parts[ends].labels.contains(&label));
    for ends in &group {
        let part = model.parts.get_mut(ends).unwrap();
        match kind {
            0 => part.unread = 0,
            6 if !has_label => {
                part.labels.insert(label);
            }
            7 => {
                part.labels.remove(&label);
            }
            _ if after != before => part.bench = after,
            _ => {}
        }
    }
    format!("act {kind} on {group:?}")
}

#[tokio::test]
async fn whatever_is_joined_and_split_shows_what_a_model_of_it_shows() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..4 {
        let app = TestApp::start().await;
        assert_eq!(app.post("/api/labels", json!({ "name": "one" })).await.status, 201);
        app.person("ann", Role::Agent).await;
        let mut model = Model { label: 1, ..Model::default() };
        let mut story = Vec::new();
        for n in 0..60 {
            story.push(step(&app, &mut model, &mut rng, n).await);
            assert_eq!(shown(&app).await, model.expected(), "seed {seed}, round {round}: {story:#?}");
        }
        for contact in model.contacts.keys().copied().collect::<Vec<_>>() {
            assert_eq!(app.delete(&format!("/api/contacts/{contact}")).await.status, 204);
            model.contacts.remove(&contact);
        }
        assert_eq!(shown(&app).await, model.expected(), "seed {seed}, round {round}: all split: {story:#?}");
        app.leave_work();
    }
}

/// Conversations that do not count what they hold, and messages that stand elsewhere than with their own addresses.
const WRONG: &str = "select 'counts of ' || c.id from conversations c where c.participants_key not like 'contact:%'
      and (c.message_count <> (select count(*) from messages m where m.conversation_id = c.id)
        or c.unread_count <> (select count(*) from messages m where m.conversation_id = c.id)
        or c.last_message_id <> (select max(m.id) from messages m where m.conversation_id = c.id))
    union all select 'sums of ' || j.id from conversations j where j.participants_key like 'contact:%'
      and (j.message_count <> (select coalesce(sum(c.message_count), 0) from conversations c where c.joined_to = j.id and c.id <> j.id)
        or j.unread_count <> (select coalesce(sum(c.unread_count), 0) from conversations c where c.joined_to = j.id)
        or coalesce(j.last_message_id, 0) <> (select coalesce(max(c.last_message_id), 0) from conversations c where c.joined_to = j.id))
    union all select 'place of ' || m.id from messages m where not exists (select 1 from participants p
        where p.conversation_id = m.conversation_id and p.address_id = m.from_id)
      or exists (select 1 from recipients r where r.message_id = m.id and not exists (select 1 from participants p
        where p.conversation_id = m.conversation_id and p.address_id = r.address_id))";

/// Dawdles between the look at where a message belongs and the end of its unit of work, so that a join may come between
/// if it can.
const SLOW_MESSAGES: &str = "create function dawdle() returns trigger language plpgsql as
        $$ begin perform pg_sleep(random() * 0.02); return null; end $$;
    create trigger dawdle after insert on messages for each statement execute function dawdle()";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_messages_that_come_in_while_it_is_joined_and_split_all_end_where_they_belong() {
    const MESSAGES: i64 = 200;
    const WAVES: i64 = 20;
    let app = TestApp::start().await;
    if app.database().is_postgres() {
        app.database().execute(SLOW_MESSAGES).await;
    }
    let ends = |n: i64| match n % 4 {
        0 => (ADA.to_owned(), OWN.to_owned()),
        1 => (ADA_MAIL.to_owned(), MAILBOX.to_owned()),
        2 => (ADA.to_owned(), format!("+1201666{n:04}")),
        _ => (ADA_MAIL.to_owned(), format!("box-{}@shop.example", n % 16)),
    };
    come(&app, "first", ADA, OWN).await;
    let mut contact: Option<String> = None;
    for wave in 0..WAVES {
        let coming = (wave * MESSAGES / WAVES..(wave + 1) * MESSAGES / WAVES).map(|n| {
            let (from, to) = ends(n);
            let app = &app;
            async move { come(app, &n.to_string(), &from, &to).await }
        });
        let flipping = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if let Some(path) = contact.take() {
                assert_eq!(app.delete(&path).await.status, 204);
            } else {
                let both = json!({ "name": "Ada", "addresses": [ADA, ADA_MAIL] });
                let made = app.post("/api/contacts", both).await;
                assert_eq!(made.status, 201, "{:?}", made.body);
                contact = Some(format!("/api/contacts/{}", made["id"]));
            }
        };
        tokio::join!(join_all(coming), flipping);
        assert_eq!(app.database().texts(WRONG).await, Vec::<String>::new(), "wave {wave}");
    }
    for (is_joint, wanted) in [("", "joined"), ("not", "alone")] {
        let came = format!(
            "select count(*) from events e join conversations c on c.id = e.conversation_id
            where e.kind = 'message.received' and c.participants_key {is_joint} like 'contact:%'"
        );
        assert!(app.database().number(&came).await > 0, "none came in while it was {wanted}");
    }
    assert_eq!((app.count_messages().await, &contact), (1 + MESSAGES, &None));
    let made = app.post("/api/contacts", json!({ "name": "Ada", "addresses": [ADA, ADA_MAIL] })).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(app.database().texts(WRONG).await, Vec::<String>::new());
    let listed = app.list("/api/conversations").await;
    assert_eq!((listed.len(), &listed[0]["message_count"]), (1, &json!(1 + MESSAGES)));
    assert_eq!(text(&listed[0]["contact"]["name"]), "Ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_comes_in_at_once_from_a_contact_is_joined_from_the_start() {
    let app = TestApp::start().await;
    let made = app.post("/api/contacts", json!({ "name": "Ada", "addresses": [ADA, ADA_MAIL] })).await;
    assert_eq!(made.status, 201);
    let all = (0..200).map(|n| {
        let (from, to) = if n % 2 == 0 {
            (ADA, format!("+1201666{:04}", n % 40))
        } else {
            (ADA_MAIL, format!("box-{}@shop.example", n % 40))
        };
        let app = &app;
        async move { come(app, &n.to_string(), from, &to).await }
    });
    join_all(all).await;
    assert_eq!(app.database().texts(WRONG).await, Vec::<String>::new());
    let listed = app.list("/api/conversations").await;
    assert_eq!((listed.len(), &listed[0]["message_count"], &listed[0]["unread_count"]), (1, &json!(200), &json!(200)));
}
