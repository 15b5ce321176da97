//! Something to look at on a developer's own database: a few chats, a thread of texts and one of mails.

use crate::domain::{Address, Caller, Channel, ChatDraft, Draft, Policy, WorkspaceId};
use crate::messaging::{Endpoint, Inbound, Messaging, Received, SendError, Sent, receive, send};
use crate::store;

use super::write::{WriteError, write_to};

/// The people of a `dev` database.
const PEOPLE: [&str; 4] = ["rdibari", "bugs", "duck", "porky"];

/// Who says what to whom.
const CHATS: &[(&str, &str, &str)] = &[
    ("bugs", "rdibari", "Eh, what's up, doc?"),
    ("rdibari", "bugs", "Setting up Switchboard. It's all in one place now."),
    ("bugs", "rdibari", "Swell. Does it know carrots? 🥕"),
    ("duck", "bugs", "Is it rabbit season or duck season?"),
    ("bugs", "duck", "Duck season."),
    ("porky", "duck", "Th-th-that's all, folks!"),
];

const OUR_PHONE: &str = "+12015550100";
const A_PHONE: &str = "+12025550199";
const OUR_MAILBOX: &str = "support@switchboard.example";
const A_MAILBOX: &str = "customer@example.com";

/// Why nothing was added.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The people of a `dev` database are not there.
    #[error("the people of a dev database are not there: this is not one, or `switchboard dev` never ran on it")]
    NotADevDatabase,
    /// Something could not be said.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Something could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A message of ours is not as it should be.
    #[error("the configuration refuses what would be sent")]
    Refused,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Adds what is not there yet, and tells how many messages that were. A second time it adds nothing.
///
/// # Errors
///
/// See [`SeedError`].
pub async fn seed(m: &Messaging) -> Result<usize, SeedError> {
    let caller = Caller::operator(WorkspaceId::DEFAULT);
    let mut known = Vec::new();
    let mut tx = m.store.read().await?;
    for name in PEOPLE {
        let user = tx.find_colleague(caller.workspace, name).await?.ok_or(SeedError::NotADevDatabase)?;
        known.push((name, user.id));
    }
    let id = |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
    let mut wanted = Vec::new();
    for (sender, recipient, body) in CHATS {
        let (Some(one), Some(other)) = (id(sender), id(recipient)) else { continue };
        if tx.find_direct(caller.workspace, [one, other]).await?.is_none() {
            wanted.push((*sender, *recipient, *body));
        }
    }
    drop(tx);
    for (sender, recipient, body) in &wanted {
        let draft = ChatDraft { body: (*body).to_owned(), attachments: Vec::new() };
        write_to(m, &caller, (sender, recipient), draft, None).await?;
    }
    Ok(wanted.len() + texts(m, &caller).await? + mails(m, &caller).await?)
}

async fn texts(m: &Messaging, caller: &Caller) -> Result<usize, SeedError> {
    let phone = |text: &str| Address::phone(text, &m.rules.phone).map_err(|_| SeedError::Refused);
    let (ours, theirs) = (phone(OUR_PHONE)?, phone(A_PHONE)?);
    let asks = draft(Channel::Sms, (&theirs, &ours), None, "Hi, is my order on its way?");
    let answers = draft(Channel::Sms, (&ours, &theirs), None, "It is! It left this morning.");
    thread(m, caller, (Endpoint::Sms, "seed-sms"), (asks, answers)).await
}

async fn mails(m: &Messaging, caller: &Caller) -> Result<usize, SeedError> {
    let email = |text: &str| Address::email(text).map_err(|_| SeedError::Refused);
    let (ours, theirs) = (email(OUR_MAILBOX)?, email(A_MAILBOX)?);
    let subject = Some("Invoice 1043");
    let asks = draft(Channel::Email, (&theirs, &ours), subject, "Could you send me <b>invoice 1043</b> again?");
    let answers = draft(Channel::Email, (&ours, &theirs), subject, "Of course: you find it in your account.");
    thread(m, caller, (Endpoint::Email, "seed-email"), (asks, answers)).await
}

/// What came in is known by its name, also when it comes once more; then it was answered, too.
async fn thread(
    m: &Messaging,
    caller: &Caller,
    (endpoint, name): (Endpoint, &str),
    (asks, answers): (Draft, Draft),
) -> Result<usize, SeedError> {
    let inbound = Inbound { endpoint, external_id: name.to_owned(), draft: asks, media_of: None };
    let Received { is_repeat, .. } = receive(m, caller.workspace, inbound).await?;
    if is_repeat {
        return Ok(0);
    }
    match send(m, caller, Ok(answers), None).await? {
        Sent::Accepted(_) => Ok(2),
        Sent::Refused(_) | Sent::Limited { .. } => Err(SeedError::Refused),
    }
}

fn draft(channel: Channel, (from, to): (&Address, &Address), subject: Option<&str>, body: &str) -> Draft {
    Draft {
        channel,
        from: from.clone(),
        to: vec![to.clone()],
        cc: Vec::new(),
        reply_to: None,
        subject: subject.map(str::to_owned),
        body: body.to_owned(),
        attachments: Vec::new(),
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    }
}
