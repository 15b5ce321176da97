//! What people may see, by what they are in their workspace.

use axum::http::Method;
use switchboard::domain::Role;

use crate::harness::{Setup, TestApp};

#[tokio::test]
async fn a_member_sees_no_conversation_of_a_number_and_an_agent_does() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let path = format!("/api/conversations/{}", message["conversation_id"]);
    for (role, status) in [(Role::Member, 404), (Role::Agent, 200), (Role::Admin, 200)] {
        let person = app.person(&format!("person-{}", role.as_str()), role).await;
        for path in [path.clone(), format!("{path}/messages"), format!("{path}/messages/{}/timeline", message["id"])] {
            let answer = app.as_person(&person, Method::GET, &path, None).await;
            assert_eq!(answer.status, status, "{role:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_not_good_is_refused_and_its_cookie_taken_away() {
    let app = Setup::serve().start().await;
    let wrong = [("cookie", "__Host-sb_session=sb_sess_wrong")];
    let answer = app.get_with("/api/conversations", &wrong).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
}
