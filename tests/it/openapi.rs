//! The description of the API: kept in the repository, complete, and true.

use std::fs;

use serde_json::{Value, json};
use switchboard::domain::Role;

use crate::chats;
use crate::harness::{Setup, TestApp};
use crate::json_schema::problems;
use crate::traffic;

fn description() -> Value {
    serde_json::to_value(switchboard::http::openapi()).unwrap()
}

/// Each documented operation: its method, its path and what is said of it.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(|(method, said)| (method.to_uppercase(), path.clone(), said)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// With a provider of each kind that tells something in its own words, each by the name of its kind.
fn with_services(setup: Setup) -> Setup {
    setup
        .with("SWITCHBOARD_PUBLIC_URL", "https://messages.example.com")
        .with("SWITCHBOARD_PROVIDERS__0__NAME", "twilio")
        .with("SWITCHBOARD_PROVIDERS__0__KIND", "twilio")
        .with("SWITCHBOARD_PROVIDERS__0__CHANNELS", "mms")
        .with("SWITCHBOARD_PROVIDERS__0__ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .with("SWITCHBOARD_PROVIDERS__0__AUTH_TOKEN", "token")
        .with("SWITCHBOARD_PROVIDERS__1__NAME", "sendgrid")
        .with("SWITCHBOARD_PROVIDERS__1__KIND", "sendgrid")
        .with("SWITCHBOARD_PROVIDERS__1__CHANNELS", "email")
        .with("SWITCHBOARD_PROVIDERS__1__API_KEY", "SG.key")
}

#[test]
fn the_file_is_the_description_of_the_server() {
    let file: Value = serde_json::from_str(&fs::read_to_string("openapi.json").unwrap()).unwrap();
    assert!(file == description(), "openapi.json is not current: run `make gen` and commit it");
    assert!(file["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn the_server_shows_the_same_description_in_both_languages() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/openapi.json").await.body, description());
    let yaml = app.get("/swagger.yaml").await;
    let yaml: Value = serde_yaml_ng::from_str(yaml.text()).unwrap();
    assert_eq!(yaml, description());
    let page = app.get("/api-docs/").await;
    assert!(page.status == 200 && page.text().contains("swagger-ui"), "{}", page.status);
}

#[tokio::test]
async fn every_documented_route_is_there() {
    let app = TestApp::start().await;
    for (method, path, _) in operations(&description()) {
        let names = [
            "{id}",
            "{mid}",
            "{did}",
            "{phone_number}",
            "{address}",
            "{user_name}",
            "{emoji}",
            "{token}",
            "{label_id}",
            "{provider}",
        ];
        let path = names.iter().fold(path, |path, name| path.replace(name, "1"));
        let request = axum::http::Request::builder().method(method.as_str()).uri(&path);
        let answer = app.raw(request.header("content-type", "application/json").body("{}".into()).unwrap()).await;
        let code = answer["code"].as_str().unwrap_or_default();
        assert!(code != "not_found" && code != "method_not_allowed", "{method} {path}: {code}");
    }
}

#[tokio::test]
async fn every_route_that_the_documentation_names_is_described() {
    let described: Vec<String> =
        operations(&description()).into_iter().map(|(m, path, _)| format!("{m} {path}")).collect();
    let page = fs::read_to_string("docs/api.md").unwrap();
    let mut found = 0;
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        for route in row.split('|').nth(1).unwrap().split('`').filter(|part| part.contains(" /")) {
            let route = route.replace("{phone}", "{phone_number}");
            assert!(described.contains(&route), "{route} is in docs/api.md and nowhere else");
            found += 1;
        }
    }
    assert!(found > 15, "{found}");
}

#[tokio::test]
async fn every_example_of_a_request_is_valid_and_accepted() {
    // What needs somebody's session and codes is accepted in the tests of accounts.
    let app = with_services(Setup::default()).start().await;
    let description = description();
    app.post("/api/webhooks/sms", crate::receiving::inbound("m-1", "hello")).await;
    for (username, role) in [("sylvester", Role::Agent), ("tweety", Role::Admin)] {
        app.person(username, role).await;
    }
    let rdibari = &chats::people(&app).await[0];
    let group = json!({ "kind": "group", "name": "Toons", "members": ["bugs"] });
    let group = chats::post(&app, rdibari, "/api/conversations", group).await["id"].to_string();
    let said =
        chats::post(&app, rdibari, &format!("/api/conversations/{group}/messages"), json!({ "body": "x" })).await;
    let mut tried = 0;
    for (method, path, said_of) in operations(&description) {
        let Some(schema) = said_of.pointer("/requestBody/content/application~1json/schema") else { continue };
        // A list has no examples of its own: those of its elements are lists of one.
        let is_list = schema["type"] == "array";
        let one = if is_list { &schema["items"] } else { schema };
        let named = one["$ref"].as_str().and_then(|name| description.pointer(&name[1..])).unwrap_or(one);
        let examples = named["examples"].as_array().cloned().unwrap_or_default();
        let examples: Vec<Value> =
            examples.into_iter().map(|example| if is_list { json!([example]) } else { example }).collect();
        assert!(!examples.is_empty(), "{method} {path} has no example");
        for example in examples {
            assert_eq!(problems(&description, schema, &example), Vec::<String>::new(), "{method} {path}: {example}");
            if ["/api/auth/", "/api/users/", "/api/invitations/accept"].iter().any(|of| path.starts_with(of)) {
                continue;
            }
            let is_a_persons = said_of["security"].as_array().is_some_and(|ways| *ways == [json!({ "session": [] })]);
            let id = if is_a_persons { &group } else { "1" };
            let path = path.replace("{id}", id).replace("{mid}", &said["id"].to_string());
            let path = path.replace("{address}", "+12025550101").replace("{user_name}", "bugs");
            let path = path.replace("{provider}", path.split('/').nth(3).unwrap_or_default());
            let mut request = axum::http::Request::builder().method(method.as_str()).uri(&path);
            if is_a_persons {
                request = request.header("authorization", &rdibari.authorization);
            }
            let request = request.header("content-type", "application/json").body(example.to_string().into());
            let answer = app.raw(request.unwrap()).await;
            assert!(answer.status.is_success(), "{method} {path} {example}: {:?}", answer.body);
            tried += 1;
        }
    }
    assert!(tried >= 12, "{tried}");
    app.leave_work();
}

#[tokio::test]
async fn what_the_server_answers_is_what_its_description_says() {
    let app = TestApp::start().await;
    traffic::run(&app).await;
    let description = description();
    let group = traffic::group(&app).await;
    let mut looked_at = 0;
    for (template, path) in [
        ("/api/conversations", "/api/conversations".to_owned()),
        ("/api/conversations/{id}", "/api/conversations/1".to_owned()),
        ("/api/conversations/{id}/messages", "/api/conversations/1/messages".to_owned()),
        ("/api/conversations/{id}/messages", "/api/conversations/2/messages".to_owned()),
        ("/api/conversations", "/api/conversations?channel=chat".to_owned()),
        ("/api/conversations/{id}/members", format!("{group}/members")),
        ("/api/conversations/{id}/messages", format!("{group}/messages")),
        ("/api/users", "/api/users".to_owned()),
        ("/api/messages/{user_name}", "/api/messages/bugs".to_owned()),
        ("/api/webhook-endpoints", "/api/webhook-endpoints".to_owned()),
        ("/api/webhook-endpoints/{id}", "/api/webhook-endpoints/1".to_owned()),
        ("/api/webhook-endpoints/{id}/deliveries", "/api/webhook-endpoints/1/deliveries".to_owned()),
        ("/api/dead-letters", "/api/dead-letters".to_owned()),
        ("/api/quarantine", "/api/quarantine".to_owned()),
        ("/messages", "/messages".to_owned()),
        ("/api/get-conversation/{phone_number}", format!("/api/get-conversation/{}", traffic::PHONES[0])),
        ("/api/get-conversation/{phone_number}", "/api/get-conversation/5555555555".to_owned()),
        ("/api/simulator/chaos", "/api/simulator/chaos".to_owned()),
        ("/api/simulator/handsets", "/api/simulator/handsets".to_owned()),
        ("/api/conversations", "/api/conversations?limit=0".to_owned()),
        ("/api/conversations/{id}", "/api/conversations/99999".to_owned()),
        ("/api/health", "/api/health".to_owned()),
    ] {
        let answer = app.get(&path).await;
        let schema = schema_of(&description, template, answer.status.as_u16(), answer.header("content-type"));
        assert_eq!(problems(&description, &schema, &answer.body), Vec::<String>::new(), "{path}");
        looked_at += 1;
    }
    for message in app.list("/api/conversations/1/messages").await {
        let body = json!({ "data": app.timeline(&message).await });
        let template = "/api/conversations/{id}/messages/{mid}/timeline";
        let schema = schema_of(&description, template, 200, "application/json");
        assert_eq!(problems(&description, &schema, &body), Vec::<String>::new(), "{body}");
        looked_at += 1;
    }
    assert!(looked_at > 20, "{looked_at}");
    app.leave_work();
}

fn schema_of(description: &Value, template: &str, status: u16, media: &str) -> Value {
    let response = &description["paths"][template]["get"]["responses"][status.to_string()];
    let response = response["$ref"].as_str().and_then(|name| description.pointer(&name[1..])).unwrap_or(response);
    let schema = response["content"][media]["schema"].clone();
    assert!(!schema.is_null(), "{template} says nothing of {status} {media}");
    schema
}

#[tokio::test]
async fn a_schema_that_is_broken_is_seen() {
    let description = description();
    let schema = json!({ "$ref": "#/components/schemas/SmsDraft" });
    for broken in [
        json!({}),
        json!({ "from": 1, "to": "x", "type": "sms", "body": "x" }),
        json!({ "from": "x", "to": "x", "type": "fax", "body": "x" }),
        json!({ "from": "x", "to": {}, "type": "sms", "body": "x" }),
        json!({ "from": "x", "to": "x", "type": "sms", "body": "x", "odd": 1 }),
    ] {
        assert!(!problems(&description, &schema, &broken).is_empty(), "{broken}");
    }
}
