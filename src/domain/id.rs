//! Identifiers. Each is a positive 64-bit integer of its own type, so that one kind is never taken for another.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A tenant.
    WorkspaceId;
    /// A sealed phone number or email address.
    AddressId;
    /// A conversation.
    ConversationId;
    /// A message, in or out.
    MessageId;
    /// A row of work in the outbox.
    OutboxId;
    /// A place in the append-only log of events.
    EventId;
    /// An inbound body that could not be understood.
    QuarantineId;
    /// An API key.
    ApiKeyId;
    /// A person with an account.
    UserId;
    /// A sign-in, pending or not.
    SessionId;
    /// An invitation into a workspace.
    InvitationId;
    /// An entry of the audit log.
    AuditId;
    /// An uploaded file.
    FileId;
    /// An internal note in a conversation.
    NoteId;
    /// A label of a workspace.
    LabelId;
    /// A saved reply of a workspace.
    SavedReplyId;
    /// A change of somebody's consent.
    ConsentId;
    /// Where a customer is told of events.
    WebhookEndpointId;
    /// An event on its way to an endpoint.
    WebhookDeliveryId;
    /// An attachment that came in and is still at the service.
    InboundMediaId;
}

impl WorkspaceId {
    /// The server's own: codes and notices stand in it, and nobody's credentials reach it.
    pub const ACCOUNTS: Self = Self(0);

    /// The workspace that every installation has.
    pub const DEFAULT: Self = Self(1);
}
