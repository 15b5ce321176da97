//! Telling a person by mail what was done with their account.

use std::time::Duration;

use super::Accounts;
use crate::domain::{Address, Timestamp, UserId, WorkspaceId};
use crate::messaging::{Notice, NoticeError, notify};
use crate::store::{self, Tx};

const LIFE: Duration = Duration::from_hours(48);

/// Something to tell: a subject and a text, with the place of a secret where there is one.
pub(super) struct Letter<'a> {
    pub(super) subject: &'a str,
    pub(super) body: String,
    pub(super) secret: Option<String>,
    pub(super) life: Duration,
}

impl<'a> Letter<'a> {
    /// A letter that says what was done, and what to do for somebody who did not do it.
    pub(super) fn about(subject: &'a str, what: &str) -> Self {
        let body = format!(
            "{what}\n\nIf that was you, there is nothing to do. If it was not, recover your password at once: whoever \
             did this can sign in as you.\n"
        );
        Self { subject, body, secret: None, life: LIFE }
    }

    /// A letter with a link that holds a secret.
    pub(super) fn with_secret(subject: &'a str, body: String, secret: String, life: Duration) -> Self {
        Self { subject, body, secret: Some(secret), life }
    }
}

/// Queues a letter. Where nothing carries mail the act still happens, and the log says that nobody was told.
pub(super) async fn write(
    tx: &mut Tx,
    accounts: &Accounts,
    (to, letter): (&Address, Letter<'_>),
    now: Timestamp,
) -> store::Result<()> {
    let notice = Notice {
        to: to.clone(),
        subject: Some(letter.subject.to_owned()),
        body: letter.body,
        secret: letter.secret,
        life: letter.life,
        is_code: false,
    };
    match notify(tx, &accounts.m, notice, now).await {
        Ok(_) => Ok(()),
        Err(NoticeError::NoWay(_)) => {
            tracing::warn!(subject = letter.subject, "nothing carries mail, and a person was not told");
            Ok(())
        }
        Err(NoticeError::Store(error)) => Err(error),
    }
}

/// Notes what a person did with their account.
pub(super) async fn note(tx: &mut Tx, user: UserId, action: &str, now: Timestamp) -> store::Result<()> {
    let person = format!("user:{user}");
    tx.audit(WorkspaceId::ACCOUNTS, &person, action, &person, serde_json::json!({}), now).await
}
