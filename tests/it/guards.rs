//! Budgets: of codes, of sign-ins, and of requests. Nobody gets more than their part, and who asks within it is not
//! held up by those who do not.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use serde_json::json;
use switchboard::auth::{CodeAsked, GuardError, Origin, Scope, allow_code, allow_login, allow_sign_up};
use switchboard::domain::{Address, Guards, Role, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, hours, minutes, seconds, text};
use crate::visitor::{Visitor, sign_up};

fn origin(number: u32) -> Origin {
    Origin::of(IpAddr::V4((0x0a00_0000 + number).into()))
}

fn mobile(app: &TestApp, number: u64) -> Address {
    Address::phone(&format!("+{number}"), &app.messaging.rules.phone).unwrap()
}

/// Asks for codes in one unit of work; gives how many were allowed, and how long the last refused one must wait.
async fn ask(app: &TestApp, guards: &Guards, asked: &[(Address, Origin, WorkspaceId)]) -> (usize, Option<Duration>) {
    ask_for(app, guards, asked, false).await
}

async fn ask_for(
    app: &TestApp,
    guards: &Guards,
    asked: &[(Address, Origin, WorkspaceId)],
    is_sign_up: bool,
) -> (usize, Option<Duration>) {
    let mut tx = app.store().begin().await.unwrap();
    let (mut allowed, mut wait) = (0, None);
    for (mobile, origin, workspace) in asked {
        let asked = CodeAsked { mobile, origin: Some(*origin), workspace: *workspace, is_sign_up };
        match allow_code(&mut tx, guards, &asked, app.now()).await {
            Ok(()) => allowed += 1,
            Err(GuardError::Limited { after }) => wait = Some(after),
            Err(error) => panic!("{error}"),
        }
    }
    tx.commit().await.unwrap();
    (allowed, wait)
}

fn guards(app: &TestApp) -> Guards {
    app.messaging.rules.guards.clone()
}

#[tokio::test]
async fn ten_thousand_adjacent_numbers_stay_within_the_budget() {
    let app = TestApp::start().await;
    let guards = guards(&app);
    let mut allowed = 0;
    for round in 0..20 {
        let asked: Vec<_> = (0..500_u32)
            .map(|at| {
                let number = round * 500 + at;
                let workspace = WorkspaceId(i64::from(number % 50) + 1);
                (mobile(&app, 12_025_555_000 + u64::from(number)), origin(number), workspace)
            })
            .collect();
        allowed += ask(&app, &guards, &asked).await.0;
        app.advance(seconds(60));
    }
    assert_eq!(allowed, 60, "30 for each of the two blocks that they lie in");
}

#[tokio::test]
async fn neighbours_who_sign_up_keep_nobody_from_signing_in() {
    let app = TestApp::start().await;
    let guards = guards(&app);
    let block = |from: u32| -> Vec<_> {
        (from..from + 500)
            .map(|at| (mobile(&app, 12_025_550_000 + u64::from(at)), origin(at), WorkspaceId(i64::from(at % 50) + 1)))
            .collect()
    };
    assert_eq!(ask_for(&app, &guards, &block(0), true).await, (15, Some(hours(1))));
    assert_eq!(ask(&app, &guards, &block(1_000)).await.0, 15, "the other half, and no more than the whole");
    assert_eq!(ask_for(&app, &guards, &block(2_000), true).await.0, 0);
    let millions = |is_sign_up: bool| {
        let (app, guards) = (&app, &guards);
        let asked: Vec<_> = (0..400_u32)
            .map(|at| {
                let number = 12_127_000_000 + u64::from(at % 100) * 10_000 + u64::from(at);
                (mobile(app, number), origin(at + 5_000), WorkspaceId(i64::from(at % 50) + 1))
            })
            .collect();
        async move { ask_for(app, guards, &asked, is_sign_up).await.0 }
    };
    assert_eq!([millions(true).await, millions(false).await], [150, 150]);
}

#[tokio::test]
async fn a_number_gets_five_codes_in_ten_minutes_and_twenty_a_day() {
    let app = TestApp::start().await;
    let guards = guards(&app);
    let asked = |from: u32| -> Vec<_> {
        (from..from + 10).map(|at| (mobile(&app, 12_025_550_143), origin(at), WorkspaceId(1))).collect()
    };
    assert_eq!(ask(&app, &guards, &asked(0)).await, (5, Some(minutes(10))));
    app.advance(minutes(9));
    assert_eq!(ask(&app, &guards, &asked(10)).await, (0, Some(minutes(1))));
    for round in 2..10 {
        app.advance(minutes(10));
        let allowed = ask(&app, &guards, &asked(round * 10)).await.0;
        assert_eq!(allowed, if round < 5 { 5 } else { 0 }, "{round}");
    }
    app.advance(hours(23));
    assert_eq!(ask(&app, &guards, &asked(200)).await.0, 5);
}

#[tokio::test]
async fn an_address_and_a_workspace_have_budgets_of_their_own() {
    let app = TestApp::start().await;
    let mut guards = guards(&app);
    (guards.codes_per_origin, guards.codes_per_workspace) = (3, 7);
    let asked = |from: u64, origin: Origin, workspace: i64| -> Vec<_> {
        (from..from + 5)
            .map(|at| (mobile(&app, 12_125_550_000 + at * 1_000_000), origin, WorkspaceId(workspace)))
            .collect()
    };
    assert_eq!(ask(&app, &guards, &asked(0, origin(1), 1)).await, (3, Some(hours(1))));
    assert_eq!(ask(&app, &guards, &asked(10, origin(2), 1)).await.0, 3);
    assert_eq!(ask(&app, &guards, &asked(20, origin(3), 1)).await, (1, Some(hours(24))), "the workspace's day");
    assert_eq!(ask(&app, &guards, &asked(30, origin(4), 2)).await.0, 3);
    let v6 = |host: u16| Origin::of(format!("2001:db8:1:2::{host:x}").parse().unwrap());
    assert_eq!(ask(&app, &guards, &asked(40, v6(1), 3)).await.0, 3);
    assert_eq!(ask(&app, &guards, &asked(50, v6(2), 3)).await.0, 0, "the same /64");
}

#[tokio::test]
async fn what_is_refused_costs_nobody_anything() {
    let app = TestApp::start().await;
    let mut guards = guards(&app);
    guards.codes_per_workspace = 10;
    let number = |at: u64| mobile(&app, 12_025_550_143 + at * 1_000_000);
    let flood: Vec<_> = (0..100).map(|_| (number(0), origin(1), WorkspaceId(1))).collect();
    assert_eq!(ask(&app, &guards, &flood).await.0, 5);
    let others: Vec<_> = (1..9).map(|at| (number(at), origin(1), WorkspaceId(1))).collect();
    assert_eq!(ask(&app, &guards, &others).await.0, 5, "five of the workspace's ten are left");
}

#[tokio::test]
async fn a_budget_is_never_taken_twice_however_many_ask_at_once() {
    let app = TestApp::start().await;
    let guards = guards(&app);
    let one = [(mobile(&app, 12_025_550_143), origin(1), WorkspaceId(1))];
    let asked = futures_util::future::join_all((0..100).map(|_| ask(&app, &guards, &one))).await;
    assert_eq!(asked.iter().map(|(allowed, _)| allowed).sum::<usize>(), 5);
}

#[tokio::test]
async fn other_countries_get_no_codes_until_they_are_named() {
    let app = TestApp::start().await;
    let british = Address::phone("+447700900123", &app.messaging.rules.phone).unwrap();
    let asked = CodeAsked { mobile: &british, origin: Some(origin(1)), workspace: WorkspaceId(1), is_sign_up: false };
    let mut tx = app.store().begin().await.unwrap();
    let refused = allow_code(&mut tx, &guards(&app), &asked, app.now()).await;
    assert!(matches!(refused, Err(GuardError::Country)), "{refused:?}");
    let both = Guards { code_countries: vec!["+1".to_owned(), "+44".to_owned()], ..guards(&app) };
    allow_code(&mut tx, &both, &asked, app.now()).await.unwrap();
    let short = Address::phone("40404", &app.messaging.rules.phone).unwrap();
    let asked = CodeAsked { mobile: &short, ..asked };
    assert!(matches!(allow_code(&mut tx, &both, &asked, app.now()).await, Err(GuardError::Country)));
}

#[tokio::test]
async fn sign_ins_are_counted_for_accounts_that_do_not_exist_too() {
    let app = TestApp::start().await;
    let mut guards = guards(&app);
    (guards.logins_per_account, guards.logins_per_origin, guards.sign_ups_per_origin) = (3, 5, 2);
    let login = async |number: u32, name: &str| {
        allow_login(app.store(), &guards, (Some(origin(number)), name), app.now()).await.is_ok()
    };
    for number in 0..3 {
        assert!(login(number, "Nobody").await);
    }
    assert!(!login(3, "nobody").await, "whatever its case, from wherever");
    for name in ["a", "b", "c", "d", "e"] {
        assert!(login(9, name).await, "{name}");
    }
    assert!(!login(9, "f").await);
    assert!(login(10, "f").await);
    app.advance(minutes(10));
    assert!(login(9, "nobody").await);
    let sign_up =
        async |number: u32| allow_sign_up(app.store(), &guards, Some(origin(number)), app.now()).await.is_ok();
    assert_eq!([sign_up(1).await, sign_up(1).await, sign_up(1).await, sign_up(2).await], [true, true, false, true]);
}

#[tokio::test]
async fn no_number_and_no_address_stands_in_a_budget_and_old_ones_go() {
    let app = TestApp::start().await;
    let asked = [(mobile(&app, 12_025_550_143), origin(1), WorkspaceId(1))];
    ask(&app, &guards(&app), &asked).await;
    let rows = app.database().number("select count(*) from budgets").await;
    assert_eq!(rows, 6);
    let hashes = if app.database().is_postgres() { "encode(key_hash, 'hex')" } else { "lower(hex(key_hash))" };
    for row in app.database().texts(&format!("select {hashes} from budgets")).await {
        assert!(row.len() == 64 && !row.contains("2025550143"), "{row}");
    }
    app.advance(hours(2));
    assert!(!app.outbox.clean().await.unwrap());
    let left = app.database().number("select count(*) from budgets").await;
    assert_eq!(rows - left, 4, "the day's are still wanted");
}

async fn get_from(app: &TestApp, peer: &str, authorization: Option<&str>) -> Answer {
    let mut request = Request::get("/api/conversations");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(format!("{peer}:5000").parse::<SocketAddr>().unwrap()));
    app.raw(request).await
}

fn limited(setup: Setup) -> Setup {
    setup.with("SWITCHBOARD_KEY_REQUEST_LIMIT_PER_MINUTE", "5").with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "3")
}

#[tokio::test]
async fn in_serve_a_key_a_session_and_an_address_have_budgets_of_their_own() {
    let app = limited(Setup::serve()).start().await;
    app.advance(seconds(20));
    let key = app.key(&[Scope::MessagesRead]).await;
    let other = app.key(&[Scope::MessagesRead]).await;
    let person = app.person("bugs", Role::Agent).await;
    let calls = async |times: usize, peer: &str, authorization: Option<&str>| {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(get_from(&app, peer, authorization).await.status.as_u16());
        }
        statuses
    };
    assert_eq!(calls(5, "192.0.2.1", None).await, [401, 401, 401, 429, 429]);
    assert_eq!(calls(2, "192.0.2.1", Some("Bearer sb_live_wrong")).await, [429, 429], "guesses count");
    assert_eq!(calls(1, "192.0.2.2", None).await, [401]);
    assert_eq!(calls(6, "192.0.2.1", Some(&key)).await, [200, 200, 200, 200, 200, 429], "whatever its neighbours do");
    assert_eq!(calls(1, "192.0.2.3", Some(&key)).await, [429], "from anywhere");
    assert_eq!(calls(1, "192.0.2.1", Some(&other)).await, [200]);
    assert_eq!(calls(4, "192.0.2.1", Some(&person.authorization)).await, [200, 200, 200, 429]);
    let refused = get_from(&app, "192.0.2.1", None).await;
    assert_eq!((text(&refused["code"]), refused.header("retry-after")), ("rate_limited", "40"));
    assert_eq!(app.get("/api/health").await.status, 200);
    app.advance(seconds(40));
    assert_eq!(calls(1, "192.0.2.1", Some(&key)).await, [200]);
    let metrics = app.key(&[Scope::MetricsRead]).await;
    let shown = app.showing(&metrics, Method::GET, "/metrics", None).await;
    assert!(shown.text().contains("switchboard_limited_total{limit=\"requests\"}"));
}

#[tokio::test]
async fn a_provider_that_shows_its_secret_is_never_turned_away() {
    let app = limited(Setup::serve()).start().await;
    let secret = format!("Bearer {}", crate::harness::WEBHOOK_SECRET);
    for at in 0..20 {
        let body = crate::receiving::inbound(&format!("m-{at}"), "hello");
        let answer = app.showing(&secret, Method::POST, "/api/webhooks/sms", Some(body)).await;
        assert_eq!(answer.status, 200, "{at}");
    }
}

#[tokio::test]
async fn in_dev_nobody_counts_requests() {
    let app = limited(Setup::default()).start().await;
    for _ in 0..20 {
        assert_eq!(app.get("/api/conversations").await.status, 200);
    }
}

#[tokio::test]
async fn what_one_server_counts_the_next_one_hears() {
    let app = limited(Setup::serve()).start().await;
    let key = app.key(&[Scope::MessagesRead]).await;
    let call = async || get_from(&app, "192.0.2.1", Some(&key)).await.status.as_u16();
    assert_eq!([call().await, call().await], [200, 200]);
    app.limiter.share(app.store(), app.now()).await.unwrap();
    let sum = "select cast(sum(used) as bigint) from budgets where name = 'requests'";
    assert_eq!(app.database().number(sum).await, 2);
    app.database().execute("update budgets set used = used + 2 where name = 'requests'").await;
    assert_eq!(call().await, 200);
    app.limiter.share(app.store(), app.now()).await.unwrap();
    assert_eq!(app.database().number(sum).await, 5);
    assert_eq!(call().await, 429, "two of the five were another server's");
    app.advance(minutes(1));
    assert_eq!(call().await, 200);
    app.limiter.share(app.store(), app.now()).await.unwrap();
    assert_eq!(app.database().number(sum).await, 1, "another minute");
}

#[tokio::test]
async fn signing_in_too_often_is_answered_the_same_for_everybody() {
    let app = Setup::default().with("SWITCHBOARD_LOGIN_LIMIT_PER_ACCOUNT", "3").start().await;
    Visitor::new(&app, "ducky", "+12025550143").await;
    let mut bodies = Vec::new();
    for login in ["ducky", "nobody-at-all"] {
        let wrong = json!({ "login": login, "password": "not the right one" });
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let answer = app.post("/api/auth/login", wrong.clone()).await;
            statuses.push(answer.status.as_u16());
            let wait = answer.header("retry-after").to_owned();
            if answer.status == 429 {
                bodies.push((wait, answer["code"].clone(), answer["detail"].clone()));
            }
        }
        assert_eq!(statuses, [401, 401, 401, 429], "{login}");
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[0].0, "600");
}

#[tokio::test]
async fn codes_over_the_api_are_budgeted_and_what_is_refused_leaves_no_trace() {
    let app = Setup::default().with("SWITCHBOARD_CODE_LIMIT_PER_ORIGIN", "2").start().await;
    Visitor::new(&app, "ducky", "+12025550143").await;
    Visitor::new(&app, "bunny", "+13125550143").await;
    let third = app.post("/api/users", sign_up("porky-pig", "+14155550143")).await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, "3600"));
    let british = app.post("/api/users", sign_up("john-bull", "+447700900123")).await;
    assert_eq!((british.status.as_u16(), text(&british["code"])), (403, "country_not_allowed"));
    assert_eq!(app.database().number("select count(*) from users").await, 2);
    app.advance(hours(1));
    assert_eq!(app.post("/api/users", sign_up("porky-pig", "+14155550143")).await.status, 201);
    app.run_outbox().await;
}

#[tokio::test]
async fn accounts_from_one_address_are_budgeted() {
    let app = Setup::default().with("SWITCHBOARD_SIGN_UP_LIMIT_PER_ORIGIN", "1").start().await;
    assert_eq!(app.post("/api/users", sign_up("ducky", "+12025550143")).await.status, 201);
    let second = app.post("/api/users", sign_up("bunny", "+13125550143")).await;
    assert_eq!((second.status.as_u16(), text(&second["code"])), (429, "rate_limited"));
    app.run_outbox().await;
}
