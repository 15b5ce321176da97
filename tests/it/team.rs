//! A team that answers: states, assignees, labels, saved replies, and who did what.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{Role, WorkspaceId};

use crate::harness::{Answer, Person, Setup, TestApp, hours, minutes, seconds, sms, text};
use crate::receiving::inbound;

async fn patch(app: &TestApp, person: &Person, change: Value) -> Answer {
    app.as_person(person, Method::PATCH, "/api/conversations/1", Some(change)).await
}

async fn get(app: &TestApp, person: &Person, path: &str) -> Answer {
    app.as_person(person, Method::GET, path, None).await
}

async fn listed(app: &TestApp, person: &Person, query: &str) -> Vec<i64> {
    let answer = get(app, person, &format!("/api/conversations?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {:?}", answer.body);
    answer["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// What was done to the first conversation: kind, actor and the rest.
async fn acts(app: &TestApp) -> Vec<(String, Value, Value)> {
    let acts = app.list("/api/conversations/1/activity").await;
    let show = |act: Value| {
        let actor = act["actor"]["username"].as_str().unwrap_or(text(&act["actor"]["type"])).to_owned();
        (text(&act["kind"]).to_owned(), json!(actor), act)
    };
    acts.into_iter().map(show).collect()
}

async fn conversations(app: &TestApp, count: i64) {
    for at in 0..count {
        let mut draft = sms("hello");
        draft["to"] = json!(format!("+1804555{:04}", 1_000 + at));
        app.send(draft).await;
        app.advance(seconds(1));
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn an_agent_snoozes_closes_and_opens_and_each_is_an_act() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let agent = app.person("agent", Role::Agent).await;
    assert_eq!(get(&app, &agent, "/api/conversations/1").await["state"], "open");
    let until = (app.now() + hours(1)).to_string();
    let snoozed = patch(&app, &agent, json!({ "state": "snoozed", "snoozed_until": until })).await;
    assert_eq!(
        (snoozed.status.as_u16(), &snoozed["state"], &snoozed["snoozed_until"]),
        (200, &json!("snoozed"), &json!(until))
    );
    let closed = patch(&app, &agent, json!({ "state": "closed" })).await;
    assert_eq!((text(&closed["state"]), &closed["snoozed_until"]), ("closed", &Value::Null));
    patch(&app, &agent, json!({ "state": "closed" })).await;
    patch(&app, &agent, json!({ "state": "open" })).await;
    let acts = acts(&app).await;
    let states: Vec<_> = acts.iter().map(|(kind, actor, act)| (kind.as_str(), actor, text(&act["state"]))).collect();
    let by = json!("agent");
    assert_eq!(states, [("state", &by, "snoozed"), ("state", &by, "closed"), ("state", &by, "open")]);
    assert_eq!(acts[0].2["snoozed_until"], json!(until));
    let told = "select count(*) from events where kind = 'conversation.updated' and conversation_id = 1";
    assert_eq!(app.database().number(told).await, 3);
}

#[tokio::test]
async fn what_comes_in_opens_again_and_what_goes_out_does_not() {
    let app = TestApp::start().await;
    let first = app.post("/api/webhooks/sms", inbound("m-0", "first")).await;
    assert_eq!(first["conversation_id"], 1);
    let agent = app.person("agent", Role::Agent).await;
    let until = (app.now() + hours(1)).to_string();
    for (at, change) in
        [json!({ "state": "closed" }), json!({ "state": "snoozed", "snoozed_until": until })].iter().enumerate()
    {
        patch(&app, &agent, change.clone()).await;
        let reply = json!({ "body": "an answer" });
        app.as_person(&agent, Method::POST, "/api/conversations/1/messages", Some(reply)).await;
        app.run_outbox().await;
        assert_eq!(get(&app, &agent, "/api/conversations/1").await["state"], change["state"], "after an answer");
        for _ in 0..2 {
            app.post("/api/webhooks/sms", inbound(&format!("m-{}", at + 1), "again")).await;
        }
        app.post("/api/webhooks/sms", inbound(&format!("n-{at}"), "and again")).await;
        let now = get(&app, &agent, "/api/conversations/1").await;
        assert_eq!((text(&now["state"]), &now["snoozed_until"]), ("open", &Value::Null));
    }
    let acts = acts(&app).await;
    let by: Vec<_> = acts.iter().map(|(_, actor, act)| (text(actor), text(&act["state"]))).collect();
    assert_eq!(by, [("agent", "closed"), ("system", "open"), ("agent", "snoozed"), ("system", "open")]);
}

#[tokio::test]
async fn a_snooze_that_ends_opens_and_no_sooner() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let agent = app.person("agent", Role::Agent).await;
    let until = (app.now() + minutes(10)).to_string();
    patch(&app, &agent, json!({ "state": "snoozed", "snoozed_until": until })).await;
    for (wait, state) in [(minutes(9), "snoozed"), (minutes(1), "open")] {
        app.advance(wait);
        app.run_outbox().await;
        assert_eq!(get(&app, &agent, "/api/conversations/1").await["state"], state);
    }
    let last = acts(&app).await.pop().unwrap();
    assert_eq!((last.0.as_str(), text(&last.1), text(&last.2["state"])), ("state", "system", "open"));
}

#[tokio::test]
async fn only_an_agent_of_the_workspace_is_given_a_conversation() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let agent = app.person("agent", Role::Agent).await;
    app.person("member", Role::Member).await;
    app.person("admin", Role::Admin).await;
    for (assignee, status) in [("agent", 200), ("ADMIN", 200), ("member", 400), ("nobody", 400), ("", 400)] {
        let answer = patch(&app, &agent, json!({ "assignee": assignee })).await;
        assert_eq!(answer.status, status, "{assignee}");
        if status == 400 {
            assert_eq!(answer.errors(), ["assignee invalid"], "{assignee}");
        }
    }
    assert_eq!(get(&app, &agent, "/api/conversations/1").await["assignee"], "admin");
    let nobody = patch(&app, &agent, json!({ "assignee": null })).await;
    assert_eq!((nobody.status.as_u16(), &nobody["assignee"]), (200, &Value::Null));
    let given: Vec<Value> = acts(&app).await.into_iter().map(|(_, _, act)| act["assignee"].clone()).collect();
    assert_eq!(given, [json!("agent"), json!("admin"), Value::Null]);
}

#[tokio::test]
async fn a_change_that_means_nothing_is_refused_by_field() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let agent = app.person("agent", Role::Agent).await;
    let (past, far) = (app.now().to_string(), (app.now() + hours(24 * 400)).to_string());
    let soon = (app.now() + hours(1)).to_string();
    for (change, errors) in [
        (json!({}), vec!["state required"]),
        (json!({ "state": "gone" }), vec!["state invalid"]),
        (json!({ "state": "snoozed" }), vec!["snoozed_until required"]),
        (json!({ "state": "snoozed", "snoozed_until": past }), vec!["snoozed_until invalid"]),
        (json!({ "state": "snoozed", "snoozed_until": far }), vec!["snoozed_until invalid"]),
        (json!({ "state": "closed", "snoozed_until": soon }), vec!["snoozed_until invalid"]),
        (json!({ "snoozed_until": soon }), vec!["snoozed_until invalid"]),
        (json!({ "assignee": ["agent"] }), vec!["assignee invalid"]),
        (json!({ "state": 1, "assignee": {} }), vec!["state invalid", "assignee invalid"]),
    ] {
        let answer = patch(&app, &agent, change.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (400, errors.into_iter().map(str::to_owned).collect()),
            "{change}"
        );
    }
    assert!(acts(&app).await.is_empty());
}

#[tokio::test]
async fn the_list_is_narrowed_by_state_assignee_label_and_what_is_unread() {
    let app = TestApp::start().await;
    conversations(&app, 5).await;
    let [ann, bob] = [app.person("annie", Role::Agent).await, app.person("bobby", Role::Agent).await];
    let admin = app.person("admin", Role::Admin).await;
    let change = async |id: i64, body: Value| {
        let answer = app.as_person(&ann, Method::PATCH, &format!("/api/conversations/{id}"), Some(body)).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    };
    change(1, json!({ "state": "closed", "assignee": "annie" })).await;
    change(2, json!({ "assignee": "annie" })).await;
    change(3, json!({ "state": "closed", "assignee": "bobby" })).await;
    change(4, json!({ "state": "snoozed", "snoozed_until": (app.now() + hours(1)).to_string() })).await;
    let label = app.as_person(&admin, Method::POST, "/api/labels", Some(json!({ "name": "urgent" }))).await;
    assert_eq!(label.status, 201);
    for id in [2, 3] {
        let path = format!("/api/conversations/{id}/labels/{}", label["id"]);
        assert_eq!(app.as_person(&ann, Method::PUT, &path, None).await.status, 204);
    }
    let body = json!({ "from": "+18045551002", "to": "+12016661234", "type": "sms", "messaging_provider_id": "m-1", "body": "x" });
    assert_eq!(app.post("/api/webhooks/sms", body).await["conversation_id"], 3);
    for (query, wanted) in [
        ("state=open", vec![3, 5, 2]),
        ("state=closed", vec![1]),
        ("state=snoozed", vec![4]),
        ("assignee=me", vec![2, 1]),
        ("assignee=me&state=open", vec![2]),
        ("assignee=bobby", vec![3]),
        ("assignee=none", vec![5, 4]),
        ("assignee=none&state=open", vec![5]),
        ("assignee=stranger", vec![]),
        ("label=1", vec![3, 2]),
        ("label=1&assignee=me", vec![2]),
        ("label=1&assignee=none", vec![]),
        ("label=2", vec![]),
        ("unread=true", vec![3]),
        ("unread=true&state=closed", vec![]),
        ("unread=false", vec![3, 5, 4, 2, 1]),
        ("state=closed&participant=%2B18045551000", vec![1]),
        ("channel=email&state=open", vec![]),
    ] {
        assert_eq!(listed(&app, &ann, query).await, wanted, "{query}");
    }
    assert_eq!(listed(&app, &bob, "assignee=me").await, [3]);
    for query in ["state=gone", "assignee=%00", "label=x", "unread=1"] {
        assert_eq!(get(&app, &ann, &format!("/api/conversations?{query}")).await.status, 400, "{query}");
    }
    let shown = get(&app, &ann, "/api/conversations?label=1").await;
    assert_eq!(shown["data"][1]["labels"], json!([{ "id": 1, "name": "urgent" }]));
    assert_eq!(app.get("/api/conversations?assignee=me").await["data"], json!([]), "nobody in particular asks");
}

#[tokio::test]
async fn a_cursor_of_one_filter_is_none_of_another() {
    let app = TestApp::start().await;
    conversations(&app, 3).await;
    let agent = app.person("agent", Role::Agent).await;
    let first = get(&app, &agent, "/api/conversations?state=open&limit=2").await;
    let cursor = text(&first["next_cursor"]).to_owned();
    assert_eq!(listed(&app, &agent, &format!("state=open&limit=2&cursor={cursor}")).await, [1]);
    for other in ["state=closed", "assignee=me", "assignee=none&state=open", "label=1", "unread=true&state=open", ""] {
        let path = format!("/api/conversations?{other}&limit=2&cursor={cursor}");
        assert_eq!(get(&app, &agent, &path).await.status, 400, "{other}");
    }
}

#[tokio::test]
async fn labels_are_made_by_admins_and_used_by_agents() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let [member, agent, admin] = [
        app.person("member", Role::Member).await,
        app.person("agent", Role::Agent).await,
        app.person("admin", Role::Admin).await,
    ];
    let name = |name: &str| Some(json!({ "name": name }));
    for (person, status) in [(&member, 403), (&agent, 403), (&admin, 201)] {
        assert_eq!(app.as_person(person, Method::POST, "/api/labels", name("urgent")).await.status, status);
    }
    let again = app.as_person(&admin, Method::POST, "/api/labels", name("urgent")).await;
    assert_eq!(
        (again.status.as_u16(), text(&again["code"]), again.errors()),
        (409, "name_taken", vec!["name taken".to_owned()])
    );
    for bad in [json!({}), json!({ "name": "" }), json!({ "name": "x".repeat(51) }), json!({ "name": "a\0b" })] {
        assert_eq!(app.as_person(&admin, Method::POST, "/api/labels", Some(bad)).await.status, 400);
    }
    let later = app.as_person(&admin, Method::POST, "/api/labels", name("later")).await;
    let later = format!("/api/labels/{}", later["id"]);
    assert_eq!(app.as_person(&admin, Method::PATCH, &later, name("urgent")).await.status, 409);
    assert_eq!(app.as_person(&agent, Method::PATCH, &later, name("soon")).await.status, 403);
    assert_eq!(app.as_person(&admin, Method::PATCH, &later, name("soon")).await["name"], "soon");
    assert_eq!(app.as_person(&admin, Method::PATCH, "/api/labels/99", name("x")).await.status, 404);

    let on = "/api/conversations/1/labels/1";
    assert_eq!(app.as_person(&member, Method::PUT, on, None).await.status, 403);
    for _ in 0..2 {
        assert_eq!(app.as_person(&agent, Method::PUT, on, None).await.status, 204);
    }
    for path in ["/api/conversations/1/labels/99", "/api/conversations/9/labels/1"] {
        assert_eq!(app.as_person(&agent, Method::PUT, path, None).await.status, 404, "{path}");
    }
    for _ in 0..2 {
        assert_eq!(app.as_person(&agent, Method::DELETE, on, None).await.status, 204);
    }
    app.as_person(&agent, Method::PUT, on, None).await;
    let kinds: Vec<_> =
        acts(&app).await.into_iter().map(|(kind, _, act)| (kind, text(&act["label"]["name"]).to_owned())).collect();
    let wanted = ["label_added", "label_removed", "label_added"].map(|kind| (kind.to_owned(), "urgent".to_owned()));
    assert_eq!(kinds, wanted);
    assert_eq!(app.as_person(&agent, Method::DELETE, "/api/labels/1", None).await.status, 403);
    assert_eq!(app.as_person(&admin, Method::DELETE, "/api/labels/1", None).await.status, 204);
    assert_eq!(app.as_person(&admin, Method::DELETE, "/api/labels/1", None).await.status, 404);
    assert_eq!(get(&app, &agent, "/api/conversations/1").await["labels"], Value::Null);
    assert_eq!(get(&app, &member, "/api/labels").await.status, 403);
    assert_eq!(get(&app, &agent, "/api/labels").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_saved_reply_is_filled_in_for_a_conversation() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let [member, agent] = [app.person("member", Role::Member).await, app.person("agent", Role::Agent).await];
    let path = "/api/saved-replies";
    let reply = json!({ "name": "hello", "body": "Hello {{contact}}, {{ agent }} of {{workspace}}. {x}" });
    assert_eq!(app.as_person(&member, Method::POST, path, Some(reply.clone())).await.status, 403);
    assert_eq!(app.as_person(&agent, Method::POST, path, Some(reply.clone())).await.status, 201);
    assert_eq!(app.as_person(&agent, Method::POST, path, Some(reply)).await.status, 409);
    let unknown = json!({ "name": "bad", "body": "{{contact}} {{phone}} {{Agent}}" });
    let refused = app.as_person(&agent, Method::POST, path, Some(unknown.clone())).await;
    assert_eq!((refused.status.as_u16(), refused.errors()), (400, vec!["body unknown_placeholder".to_owned(); 2]));
    assert!(text(&refused["errors"][0]["message"]).contains("{{phone}}"), "{:?}", refused.body);
    let refused = app.as_person(&agent, Method::PATCH, "/api/saved-replies/1", Some(unknown)).await;
    assert_eq!(refused.status, 400);
    let render = "/api/saved-replies/1/render";
    let about = |id: i64| Some(json!({ "conversation_id": id }));
    let rendered = app.as_person(&agent, Method::POST, render, about(1)).await;
    assert_eq!(rendered["text"], "Hello +18045551000, agent of default. {x}");
    let by_key = app.post(render, json!({ "conversation_id": 1 })).await;
    assert_eq!(by_key["text"], "Hello +18045551000, default of default. {x}");
    for (path, body, status) in [
        (render, about(9), 400),
        (render, Some(json!({})), 400),
        (render, Some(json!({ "conversation_id": "x" })), 400),
        ("/api/saved-replies/9/render", about(1), 404),
    ] {
        assert_eq!(app.as_person(&agent, Method::POST, path, body).await.status, status, "{path}");
    }
    let renamed = app.as_person(&agent, Method::PATCH, "/api/saved-replies/1", Some(json!({ "name": "hi" }))).await;
    assert_eq!((text(&renamed["name"]), renamed["body"].is_string()), ("hi", true));
    assert_eq!(app.as_person(&agent, Method::DELETE, "/api/saved-replies/1", None).await.status, 204);
    assert_eq!(app.as_person(&agent, Method::DELETE, "/api/saved-replies/1", None).await.status, 404);
    assert_eq!(app.as_person(&agent, Method::POST, render, about(1)).await.status, 404);
}

#[tokio::test]
async fn nobody_but_the_team_reaches_any_of_it() {
    let app = Setup::serve().start().await;
    let agent = app.person("agent", Role::Agent).await;
    let sent = app.as_person(&agent, Method::POST, "/api/messages/sms", Some(sms("hello"))).await;
    assert_eq!((sent.status.as_u16(), text(&sent["author"])), (201, "agent"));
    app.run_outbox().await;
    let member = app.person("member", Role::Member).await;
    let elsewhere = app.database().number("select max(id) + 1 from workspaces").await;
    let sql = if app.database().is_postgres() { "now()" } else { "0" };
    app.database()
        .execute(&format!(
            "insert into workspaces (id, name, strangers, group_history, created_at)
             values ({elsewhere}, 'other', 'write', 'joined', {sql})"
        ))
        .await;
    let foreign = app.person_of(WorkspaceId(elsewhere), "foreign", Role::Admin).await;
    let reader = app.key(&[Scope::MessagesRead]).await;
    for person in [&member, &foreign] {
        for (method, path, body) in [
            (Method::PATCH, "/api/conversations/1", json!({ "state": "closed" })),
            (Method::GET, "/api/conversations/1/notes", Value::Null),
            (Method::POST, "/api/conversations/1/notes", json!({ "body": "x" })),
            (Method::GET, "/api/conversations/1/activity", Value::Null),
        ] {
            let answer = app.as_person(person, method.clone(), path, Some(body)).await;
            assert!(
                [403, 404].contains(&answer.status.as_u16()),
                "{} {method} {path}: {}",
                person.username,
                answer.status
            );
        }
        assert!(listed(&app, person, "state=open").await.is_empty());
        assert!(listed(&app, person, "assignee=none").await.is_empty());
    }
    let by_key = [("authorization", reader.as_str())];
    assert_eq!(app.get_with("/api/conversations/1/activity", &by_key).await.status, 200);
    let closing = json!({ "state": "closed" }).to_string();
    let request = axum::http::Request::patch("/api/conversations/1").header("content-type", "application/json");
    let request = request.header("authorization", &reader).body(closing.into()).unwrap();
    assert_eq!(app.raw(request).await.status, 403);
    let shown = get(&app, &agent, "/api/conversations/1").await;
    assert_eq!((text(&shown["state"]), shown["last_message"]["body"].as_str()), ("open", Some("hello")));
}

#[tokio::test]
async fn a_participant_of_many_conversations_is_listed_like_one_of_few() {
    let app = TestApp::start().await;
    let draft = |at: i64| {
        let mut draft = sms("hello");
        draft["to"] = json!(format!("+1804555{at:04}"));
        draft
    };
    let drafts: Vec<Value> = (1_000..2_050).map(draft).collect();
    let sent = app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    assert_eq!(sent["accepted"], 1_050, "{:?}", sent.body);
    let agent = app.person("agent", Role::Agent).await;
    for person in [None, Some(&agent)] {
        for (participant, count) in [("%2B12016661234", 1_050), ("%2B18045551007", 1), ("%2B18045559999", 0)] {
            let (mut seen, mut path) =
                (Vec::new(), Some(format!("/api/conversations?limit=200&participant={participant}")));
            while let Some(page) = path {
                let answer = match person {
                    Some(person) => get(&app, person, &page).await,
                    None => app.get(&page).await,
                };
                assert_eq!(answer.status, 200, "{:?}", answer.body);
                seen.extend(answer["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
                let next = answer["next_cursor"].as_str();
                path = next.map(|next| format!("/api/conversations?limit=200&participant={participant}&cursor={next}"));
            }
            assert_eq!(seen.len(), count, "{participant}");
            assert!(seen.is_sorted_by(|newer, older| newer > older), "{participant}");
        }
    }
    app.leave_work();
}

#[tokio::test]
async fn whoever_is_an_agent_no_more_answers_nothing() {
    let app = TestApp::start().await;
    conversations(&app, 3).await;
    let admin = app.person("admin", Role::Admin).await;
    for (at, name) in [(1, "annie"), (2, "annie"), (3, "bobby")] {
        if at != 2 {
            app.person(name, Role::Agent).await;
        }
        let path = format!("/api/conversations/{at}");
        let given = app.as_person(&admin, Method::PATCH, &path, Some(json!({ "assignee": name }))).await;
        assert_eq!(given["assignee"], name);
    }
    let change = async |name: &str, role: &str| {
        let path = format!("/api/members/{name}");
        app.as_person(&admin, Method::PATCH, &path, Some(json!({ "role": role }))).await.status.as_u16()
    };
    assert_eq!(change("annie", "admin").await, 200);
    assert_eq!(listed(&app, &admin, "assignee=annie").await, [2, 1], "an admin answers too");
    assert_eq!(change("annie", "member").await, 200);
    assert_eq!(listed(&app, &admin, "assignee=none").await, [2, 1]);
    assert_eq!(listed(&app, &admin, "assignee=bobby").await, [3]);
    let gone = app.as_person(&admin, Method::DELETE, "/api/members/bobby", None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(listed(&app, &admin, "assignee=none").await, [3, 2, 1]);
    for at in 1..=3 {
        let acts = app.list(&format!("/api/conversations/{at}/activity")).await;
        let shown: Vec<[&Value; 3]> =
            acts.iter().map(|act| [&act["kind"], &act["actor"]["username"], &act["assignee"]]).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert_eq!(shown[1], [&json!("assignee"), &json!("admin"), &Value::Null], "{at}");
    }
}

#[tokio::test]
async fn labels_and_saved_replies_are_not_without_end() {
    let app = TestApp::start().await;
    conversations(&app, 1).await;
    let fill = async |table: &str, columns: &str, values: &str, count: i64| {
        let insert = format!(
            "insert into {table} (workspace_id, {columns}) with recursive n (i) as
                (select 1 union all select i + 1 from n where i < {count}) select 1, {values} from n"
        );
        app.database().execute(&insert).await;
    };
    let now = "(select created_at from workspaces where id = 1)";
    fill("labels", "name, created_at", &format!("'l' || i, {now}"), 199).await;
    fill("conversation_labels", "conversation_id, label_id", "1, i", 19).await;
    fill("saved_replies", "name, body, created_at, updated_at", &format!("'r' || i, 'x', {now}, {now}"), 999).await;
    let refused = |answer: &Answer| (answer.status.as_u16(), text(&answer["code"]).to_owned());
    let body = |name: &str| json!({ "name": name, "body": "x" });
    for (path, code) in [("/api/labels", "too_many_labels"), ("/api/saved-replies", "too_many_saved_replies")] {
        assert_eq!(app.post(path, body("the last")).await.status, 201, "{path}");
        assert_eq!(refused(&app.post(path, body("one more")).await), (409, code.to_owned()));
        assert_eq!(refused(&app.post(path, body("the last")).await), (409, "name_taken".to_owned()));
    }
    let put = async |label: i64| app.call(Method::PUT, &format!("/api/conversations/1/labels/{label}"), None).await;
    assert_eq!(put(20).await.status, 204);
    assert_eq!(refused(&put(21).await), (409, "too_many_labels_on_conversation".to_owned()));
    assert_eq!(put(20).await.status, 204, "it is there already");
    assert_eq!(app.call(Method::DELETE, "/api/conversations/1/labels/3", None).await.status, 204);
    assert_eq!(put(21).await.status, 204);
}
