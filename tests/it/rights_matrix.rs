//! Every route of the description, called by everybody whom it does not concern: refused, or empty-handed.
//!
//! What the description says decides what is wanted of a route. A route that says nothing of rights must be in
//! [`PUBLIC`]; one with a parameter must have a [`sample`] that leads to something of the default workspace.

use axum::http::{Method, Request};
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{Role, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, text};
use crate::receiving::inbound;

/// Routes for everybody, by their operation's name.
const PUBLIC: &[&str] = &[
    "getHealth",
    "getReady",
    "getStart",
    "getOpenApiJson",
    "getOpenApiYaml",
    "createUser",
    "login",
    "logout",
    "getAuthenticated",
    "getApp",
    "confirmEmail",
    "recover",
    "completeRecovery",
    "getLinkedAttachment",
    "getUnsubscribe",
    "unsubscribe",
];

/// How services prove that it is they who tell something.
const WEBHOOK_WAYS: [&str; 3] = ["webhook_bearer", "twilio_signature", "sendgrid_signature"];

/// Routes that somebody reaches whose code has not been right yet.
const PENDING: &[&str] = &["sendCode", "verifyCode"];

/// Routes that a member and a key share, where a member sees what is their own.
const SHARED: &[&str] = &["listConversations", "listPeople", "uploadAttachment", "listen", "listPresent"];

/// Routes that answer with nothing rather than refuse: what they say then.
const EMPTY: &[(&str, &str)] = &[("getPhoneHistory", r#"{"message":"User not found"}"#), ("listSaid", "[]")];

/// Where a member reads what their workspace is called.
const NAMES_THE_WORKSPACE: &str = "listOwnWorkspaces";

/// What stands in the default workspace and nowhere else.
const MARKERS: [&str; 12] = [
    "marker-body",
    "2025550143",
    "marker-key",
    "marker.invited",
    "marker-raw",
    "marker-workspace",
    "marker-label",
    "marker-reply",
    "marker-file",
    "marker-chat",
    "marker-hook",
    "marker-contact",
];

/// One operation of the description.
#[derive(Debug, Clone)]
struct Operation {
    id: String,
    method: Method,
    template: String,
    path: String,
    body: Value,
    /// The scope that a key needs; absent: no key will do.
    scope: Option<String>,
    /// Whether a session will do.
    is_for_people: bool,
    is_webhook: bool,
    is_open: bool,
}

/// What is there to be found, and must not be.
struct Seeds {
    /// A conversation of numbers, and a message in it.
    numbers: (Value, Value),
    /// A conversation of people, and a message in it.
    chat: (Value, Value),
    file: Value,
    label: Value,
    contact: Value,
    saved_reply: Value,
    key: Value,
    invitation: Value,
    quarantined: Value,
    endpoint: Value,
    delivery: Value,
    person: String,
    session: i64,
}

async fn seed(app: &TestApp) -> Seeds {
    let admin = app.key(&[Scope::Admin]).await;
    let post = async |path: &str, body: Value| {
        let answer = app.showing(&admin, Method::POST, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer.body
    };
    let draft = json!({ "from": "+12025550143", "to": "+12025550144", "type": "sms", "body": "marker-body" });
    let message = post("/api/messages/sms", draft).await;
    let file = upload(app, &admin).await;
    let label = post("/api/labels", json!({ "name": "marker-label" })).await;
    let contact = post("/api/contacts", json!({ "name": "marker-contact", "addresses": ["+12025550144"] })).await;
    let saved_reply = post("/api/saved-replies", json!({ "name": "marker-reply", "body": "marker-reply" })).await;
    let key = post("/api/keys", json!({ "name": "marker-key", "scopes": ["messages:read"] })).await;
    let invitation = json!({ "email": "marker.invited@shop.example", "role": "admin" });
    let invitation = post("/api/invitations", invitation).await;
    let endpoint = json!({ "url": "https://marker-hook.example/", "events": ["consent.changed"] });
    let endpoint = post("/api/webhook-endpoints", endpoint).await;
    let delivery = post(&format!("/api/webhook-endpoints/{}/test", endpoint["id"]), json!({})).await;
    let renamed = json!({ "name": "marker-workspace" });
    assert_eq!(app.showing(&admin, Method::PATCH, "/api/settings", Some(renamed)).await.status, 200);
    let mut odd = inbound("marker-raw", "marker-raw");
    odd["from"] = json!("marker-raw");
    let secret = format!("Bearer {WEBHOOK_SECRET}");
    let odd = app.showing(&secret, Method::POST, "/api/webhooks/sms", Some(odd)).await;
    assert_eq!(odd.status, 202, "{:?}", odd.body);
    let person = app.person("markeruser", Role::Admin).await;
    let friend = app.person("markerfriend", Role::Member).await;
    let said =
        json!({ "sender_user_name": person.username, "recipient_user_name": friend.username, "body": "marker-chat" });
    let said = app.as_person(&person, Method::POST, "/api/messages", Some(said)).await;
    assert_eq!(said.status, 201, "{:?}", said.body);
    let chat = format!("select conversation_id from messages where id = {}", said["id"]);
    let session = format!("select id from sessions where user_id = {}", person.id);
    Seeds {
        numbers: (message["conversation_id"].clone(), message["id"].clone()),
        chat: (json!(app.database().number(&chat).await), said["id"].clone()),
        file: file["id"].clone(),
        label: label["id"].clone(),
        contact: contact["id"].clone(),
        saved_reply: saved_reply["id"].clone(),
        key: key["id"].clone(),
        invitation: invitation["id"].clone(),
        quarantined: odd["quarantined"].clone(),
        endpoint: endpoint["id"].clone(),
        delivery: delivery["delivery_id"].clone(),
        person: person.username,
        session: app.database().number(&session).await,
    }
}

async fn upload(app: &TestApp, authorization: &str) -> Answer {
    let body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"marker-file.txt\"\r\n\r\nmarker-file\r\n--x--\r\n";
    let request = Request::post("/api/attachments").header("content-type", "multipart/form-data; boundary=x");
    let answer = app.raw(request.header("authorization", authorization).body(body.into()).unwrap()).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer
}

/// The path with a sample of the default workspace in the place of each parameter.
fn sample(seeds: &Seeds, (conversation, message): &(Value, Value), template: &str) -> String {
    let mut path = String::new();
    for part in template.split('/').skip(1) {
        let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            path = format!("{path}/{part}");
            continue;
        };
        let value = match (path.as_str(), name) {
            ("/api/conversations", "id") => conversation.to_string(),
            ("/api/attachments", "id") => seeds.file.to_string(),
            ("/api/labels", "id") | (_, "label_id") => seeds.label.to_string(),
            ("/api/contacts", "id") => seeds.contact.to_string(),
            ("/api/saved-replies", "id") => seeds.saved_reply.to_string(),
            (_, "emoji") => "%F0%9F%91%8D".to_owned(),
            (_, "token") => "0".repeat(43),
            (_, "mid") => message.to_string(),
            ("/api/auth/sessions", "id") => seeds.session.to_string(),
            ("/api/webhook-endpoints", "id") => seeds.endpoint.to_string(),
            (_, "did") => seeds.delivery.to_string(),
            ("/api/keys", "id") => seeds.key.to_string(),
            ("/api/invitations", "id") => seeds.invitation.to_string(),
            ("/api/quarantine", "id") => seeds.quarantined.to_string(),
            (_, "phone_number") => "2025550144".to_owned(),
            (_, "address") => "+12025550144".to_owned(),
            (_, "user_name") => seeds.person.clone(),
            ("/api/providers", "name") | (_, "provider") => "test".to_owned(),
            _ => panic!("rights_matrix.rs has no sample for {{{name}}} of {template}: seed one, and name it here"),
        };
        path = format!("{path}/{value}");
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

fn operations(seeds: &Seeds) -> Vec<Operation> {
    let description = serde_json::to_value(switchboard::http::openapi()).unwrap();
    let mut found = Vec::new();
    for (template, item) in description["paths"].as_object().unwrap() {
        for (method, said) in item.as_object().unwrap() {
            let ways: Vec<&Value> = said["security"].as_array().into_iter().flatten().collect();
            let shows = |scheme: &str| ways.iter().any(|way| way[scheme].is_array());
            let scope = ways.iter().find_map(|way| way["api_key"][0].as_str()).map(str::to_owned);
            let places = if template.starts_with("/api/conversations/{id}") {
                vec![&seeds.numbers, &seeds.chat]
            } else {
                vec![&seeds.numbers]
            };
            found.extend(places.into_iter().map(|place| Operation {
                id: text(&said["operationId"]).to_owned(),
                method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                template: template.clone(),
                path: sample(seeds, place, template),
                body: example(&description, said),
                is_for_people: scope.is_some() || shows("session"),
                scope: scope.clone(),
                is_webhook: WEBHOOK_WAYS.into_iter().any(shows),
                is_open: !WEBHOOK_WAYS.into_iter().any(shows)
                    && !shows("api_key")
                    && (ways.is_empty() || ways.contains(&&json!({}))),
            }));
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// A body that would be taken from somebody who may.
fn example(description: &Value, said: &Value) -> Value {
    let Some(schema) = said.pointer("/requestBody/content/application~1json/schema") else { return json!({}) };
    let named = schema["$ref"].as_str().and_then(|name| description.pointer(&name[1..])).unwrap_or(schema);
    named["examples"].get(0).cloned().unwrap_or_else(|| json!({}))
}

async fn call(app: &TestApp, operation: &Operation, authorization: Option<&str>) -> Answer {
    let mut request = Request::builder().method(&operation.method).uri(&operation.path);
    request = request.header("content-type", "application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    app.raw(request.body(operation.body.to_string().into()).unwrap()).await
}

/// What is wrong with an answer to somebody whom a route does not concern.
fn refusal_of(operation: &Operation, answer: &Answer) -> Option<String> {
    let is_empty = EMPTY.contains(&(operation.id.as_str(), answer.text()));
    if is_empty {
        return None;
    }
    if ![401, 403, 404].contains(&answer.status.as_u16()) {
        return Some(format!("{} {}", answer.status, answer.text()));
    }
    let is_problem = answer.header("content-type") == "application/problem+json" && answer["code"].is_string();
    if is_problem { leak_of(answer) } else { Some(format!("no problem+json: {}", answer.text())) }
}

fn leak_of(answer: &Answer) -> Option<String> {
    let shown = String::from_utf8_lossy(&answer.bytes);
    MARKERS.iter().find(|marker| shown.contains(**marker)).map(|marker| format!("{marker} in {shown}"))
}

/// The findings of one sort of caller.
struct Findings {
    who: &'static str,
    found: Vec<String>,
    looked_at: usize,
}

impl Findings {
    fn of(who: &'static str) -> Self {
        Self { who, found: Vec::new(), looked_at: 0 }
    }

    fn note(&mut self, operation: &Operation, finding: Option<String>) {
        self.looked_at += 1;
        let named = |finding| format!("{} {} as {}: {finding}", operation.method, operation.path, self.who);
        self.found.extend(finding.map(named));
    }

    fn end(self, least: usize) {
        assert!(self.found.is_empty(), "{:#?}", self.found);
        assert!(self.looked_at >= least, "{}: {}", self.who, self.looked_at);
    }
}

async fn start() -> (TestApp, Seeds, Vec<Operation>) {
    let app = Setup::serve()
        .with_senders()
        .with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0")
        .with("SWITCHBOARD_KEY_REQUEST_LIMIT_PER_MINUTE", "0")
        .start()
        .await;
    let seeds = seed(&app).await;
    let operations = operations(&seeds);
    app.leave_work();
    (app, seeds, operations)
}

#[tokio::test]
async fn nobody_reaches_anything_but_what_is_public() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("nobody");
    for operation in &operations {
        let answer = call(&app, operation, None).await;
        if operation.is_open {
            let is_listed = PUBLIC.contains(&operation.id.as_str());
            let finding = format!("{} says nothing of who may call it, and is not in PUBLIC", operation.id);
            findings.note(operation, (!is_listed).then_some(finding).or_else(|| leak_of(&answer)));
        } else {
            let refusal = refusal_of(operation, &answer);
            let is_401 = answer.status == 401 && !answer.header("www-authenticate").is_empty();
            findings.note(operation, refusal.or_else(|| (!is_401).then(|| answer.status.to_string())));
        }
    }
    findings.end(40);
}

#[tokio::test]
async fn a_session_whose_code_was_not_right_yet_reaches_nothing() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("a pending session");
    let person = app.person("pending", Role::Admin).await;
    let is_pending = |operation: &&Operation| PENDING.contains(&operation.id.as_str());
    for operation in operations.iter().filter(|operation| !operation.is_open && !is_pending(operation)) {
        let session = app.session_of(person.id, Some(WorkspaceId::DEFAULT), false).await;
        let answer = call(&app, operation, Some(&session)).await;
        findings.note(operation, refusal_of(operation, &answer));
    }
    findings.end(35);
}

#[tokio::test]
async fn another_member_reaches_nothing_of_the_numbers_and_nothing_of_the_admins() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("another member");
    for (at, operation) in operations.iter().enumerate().filter(|(_, operation)| !operation.is_open) {
        let person = app.person(&format!("member-{at}"), Role::Member).await;
        let answer = call(&app, operation, Some(&person.authorization)).await;
        let is_their_own = operation.is_for_people && operation.scope.is_none() && !operation.template.contains("id}");
        let is_shared = SHARED.contains(&operation.id.as_str());
        let finding = if is_their_own || is_shared { leak_of(&answer) } else { refusal_of(operation, &answer) };
        let is_the_name =
            |found: &String| operation.id == NAMES_THE_WORKSPACE && found.starts_with("marker-workspace in");
        findings.note(operation, finding.filter(|found| !is_the_name(found)));
    }
    findings.end(35);
}

#[tokio::test]
async fn an_agent_reaches_nothing_of_the_admins() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("an agent");
    let is_admins = |operation: &&Operation| matches!(operation.scope.as_deref(), Some("admin" | "metrics:read"));
    for (at, operation) in operations.iter().enumerate().filter(|(_, operation)| is_admins(operation)) {
        let person = app.person(&format!("agent-{at}"), Role::Agent).await;
        let answer = call(&app, operation, Some(&person.authorization)).await;
        let is_403 = (answer.status != 403).then(|| answer.status.to_string());
        findings.note(operation, refusal_of(operation, &answer).or(is_403));
    }
    findings.end(15);
}

#[tokio::test]
async fn a_key_without_the_scope_reaches_nothing() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("a key without the scope");
    for operation in operations.iter().filter(|operation| !operation.is_open) {
        let wanted = operation.scope.as_deref();
        let lacks = |held: &Scope| wanted.is_none_or(|wanted| held.as_str() != wanted && *held != Scope::Admin);
        for held in Scope::ALL.into_iter().filter(lacks) {
            let key = app.key(&[held]).await;
            findings.note(operation, refusal_of(operation, &call(&app, operation, Some(&key)).await));
        }
    }
    findings.end(80);
}

#[tokio::test]
async fn another_workspaces_admin_and_its_key_reach_nothing_here() {
    let (app, _, operations) = start().await;
    let mut findings = Findings::of("another workspace's admin");
    let other = app.workspace("other").await;
    for (at, operation) in operations.iter().enumerate().filter(|(_, operation)| !operation.is_open) {
        let admin = app.person_of(other, &format!("stranger-{at}"), Role::Admin).await.authorization;
        let key = app.key_of(other, &[Scope::Admin]).await;
        for authorization in [admin, key] {
            let answer = call(&app, operation, Some(&authorization)).await;
            // Without a parameter a route is about their own workspace.
            let is_here = operation.template.contains('{') || operation.is_webhook;
            let finding = if is_here { refusal_of(operation, &answer) } else { leak_of(&answer) };
            findings.note(operation, finding);
        }
    }
    findings.end(70);
}

#[tokio::test]
async fn whatever_strangers_try_nothing_here_changes() {
    let (app, seeds, operations) = start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let look = async || {
        let messages = format!("/api/conversations/{}/messages", seeds.numbers.0);
        let mut seen = Vec::new();
        for path in [
            messages.as_str(),
            "/api/keys",
            "/api/invitations",
            "/api/settings",
            "/api/members",
            "/api/quarantine",
            "/api/webhook-endpoints",
            "/api/contacts",
        ] {
            seen.push(app.showing(&admin, Method::GET, path, None).await.body);
        }
        seen
    };
    let other = app.workspace("other").await;
    let stranger = app.key_of(other, &[Scope::Admin]).await;
    let before = look().await;
    assert!(MARKERS.iter().filter(|marker| json!(before).to_string().contains(**marker)).count() >= 5);
    for operation in operations.iter().filter(|operation| operation.method != Method::GET) {
        call(&app, operation, None).await;
        call(&app, operation, Some(&stranger)).await;
    }
    assert_eq!(look().await, before);
}
