//! Keys, workspaces and people of a test, put there without asking.

use switchboard::auth::{Scope, begin_session, create_key, create_workspace};
use switchboard::domain::{Address, Caller, Role, UserId, WorkspaceId};
use switchboard::store::NewUser;

use super::{Person, TestApp};

impl TestApp {
    /// Makes a key; gives the `Authorization` that shows it.
    pub async fn key(&self, scopes: &[Scope]) -> String {
        self.key_of(WorkspaceId::DEFAULT, scopes).await
    }

    /// Makes a key of any workspace; gives the `Authorization` that shows it.
    pub async fn key_of(&self, workspace: WorkspaceId, scopes: &[Scope]) -> String {
        let made = create_key(self.store(), &self.clock, Caller::operator(workspace), ("a test's", scopes, None)).await;
        format!("Bearer {}", made.unwrap().1)
    }

    /// Another workspace.
    pub async fn workspace(&self, name: &str) -> WorkspaceId {
        let operator = Caller::operator(WorkspaceId::DEFAULT);
        create_workspace(&self.messaging, operator, (name, None), None).await.unwrap().id
    }

    /// A person of the default workspace who is signed in, put there without a password or a code.
    pub async fn person(&self, username: &str, role: Role) -> Person {
        self.person_of(WorkspaceId::DEFAULT, username, role).await
    }

    /// A person of any workspace who is signed in.
    pub async fn person_of(&self, workspace: WorkspaceId, username: &str, role: Role) -> Person {
        let now = self.now();
        let mut tx = self.store().begin().await.unwrap();
        let email = Address::email(&format!("{username}@people.example")).unwrap();
        let digits = self.clock.bytes::<8>().iter().fold(0_u64, |sum, byte| sum * 256 + u64::from(*byte)) % 10_000_000;
        let mobile = Address::phone(&format!("+1212{digits:07}"), &self.messaging.rules.phone).unwrap();
        let ids = tx.ensure_addresses(WorkspaceId::ACCOUNTS, &[email.clone(), mobile.clone()], now).await.unwrap();
        let user = NewUser {
            username: username.to_owned(),
            first_name: username.to_owned(),
            last_name: "Tester".to_owned(),
            email: ids[&email],
            mobile: ids[&mobile],
            password_hash: "none".to_owned(),
            mobile_verified_at: Some(now),
        };
        let id = tx.insert_user(&user, now).await.unwrap();
        tx.put_membership(workspace, id, role, now).await.unwrap();
        let session = begin_session(&mut tx, &self.clock, (id, Some(workspace)), ("a test", true)).await.unwrap();
        tx.commit().await.unwrap();
        Person { id, username: username.to_owned(), authorization: format!("Bearer {}", session.1) }
    }

    /// Begins another session of a person; pending until a code was right.
    pub async fn session_of(&self, user: UserId, workspace: Option<WorkspaceId>, is_verified: bool) -> String {
        let mut tx = self.store().begin().await.unwrap();
        let session = begin_session(&mut tx, &self.clock, (user, workspace), ("a test", is_verified)).await.unwrap();
        tx.commit().await.unwrap();
        format!("Bearer {}", session.1)
    }
}
