//! Telling a workspace's admins that an endpoint is not told any more.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::messaging::{Messaging, Notice, NoticeError, notify};
use crate::store::{self, Tx, WebhookEndpointRow};

const LIFE: Duration = Duration::from_hours(48);

/// Queues a mail to each admin, in the transaction that disables the endpoint. Where nothing carries mail the log says
/// that nobody was told.
pub async fn tell_admins(
    tx: &mut Tx,
    m: &Messaging,
    (endpoint, why): (&WebhookEndpointRow, &str),
    now: Timestamp,
) -> store::Result<()> {
    let host = url::Url::parse(&endpoint.target.url).ok();
    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("its host");
    for to in tx.list_admin_mailboxes(endpoint.workspace_id).await? {
        let notice = Notice {
            to,
            subject: Some(format!("Webhook endpoint {} was disabled", endpoint.id)),
            body: format!(
                "The webhook endpoint {} at {host} was disabled: {why}. It is not told of anything until somebody \
                 enables it again; what it missed meanwhile is in the API.\n",
                endpoint.id
            ),
            secret: None,
            life: LIFE,
            is_code: false,
        };
        match notify(tx, m, notice, now).await {
            Ok(_) => {}
            Err(NoticeError::NoWay(_)) => {
                tracing::warn!(endpoint = endpoint.id.0, "nothing carries mail, and no admin was told");
                return Ok(());
            }
            Err(NoticeError::Store(error)) => return Err(error),
        }
    }
    Ok(())
}
